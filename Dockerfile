# Sightline's service. CPU:  docker build -t sightline .
#                      CUDA: docker build -t sightline:gpu --build-arg VARIANT=gpu .
# The CUDA wheels bring CUDA and cuDNN; the host needs the driver and NVIDIA's container toolkit.
FROM python:3.11-slim-bookworm AS build
ARG VARIANT=cpu
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY constraints constraints
COPY model model
COPY export export
COPY indexer indexer
COPY service service
RUN python -m venv /opt/sightline \
    && /opt/sightline/bin/pip install --no-cache-dir \
        --constraint "constraints/${VARIANT}.txt" ".[${VARIANT}]"

FROM python:3.11-slim-bookworm
ENV PATH=/opt/sightline/bin:$PATH \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    SIGHTLINE_GALLERY=/var/lib/sightline \
    SIGHTLINE_HOST=0.0.0.0
RUN useradd --system --uid 10001 --home-dir /var/lib/sightline --create-home sightline
COPY --from=build /opt/sightline /opt/sightline
USER 10001
VOLUME /var/lib/sightline
EXPOSE 8000
# A service that is not ready (no model, a dead worker, draining) is not healthy.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# Beyond loopback the service starts only with keys: `sightline keys create`, or SIGHTLINE_KEYS_FILE.
CMD ["sightline", "serve"]
