"""Cameras: what was seen where, and when."""

from fastapi import APIRouter

from service.auth import needs
from service.parts import PartsOf
from service.responses import problems
from service.schemas import Camera, CameraList

router = APIRouter(tags=["cameras"])


@router.get("/cameras", summary="List cameras", responses=problems(), openapi_extra=needs("query"))
def list_cameras(parts: PartsOf) -> CameraList:
    cameras = parts.gallery.cameras()
    return CameraList(
        items=[Camera.model_validate(camera, from_attributes=True) for camera in cameras]
    )
