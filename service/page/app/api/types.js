/**
 * What the service answers, as JSDoc types: the page's own copy of the shapes in `/openapi.json`.
 * The module holds no code.
 *
 * @typedef {{ received: number, sampled: number[] }} Frames
 *
 * @typedef {object} Tracklet
 * @property {string} tracklet_id
 * @property {string|null} identity
 * @property {string|null} camera
 * @property {string|null} captured_at
 * @property {string|null} captured_until
 * @property {Record<string, unknown>} attributes
 * @property {Frames} frames
 * @property {number[]} temporal_attention
 * @property {number} effective_frames
 * @property {string} model_id
 * @property {string} created_at
 * @property {string[]} [warnings]
 *
 * @typedef {object} FoundTracklet
 * @property {string} tracklet_id
 * @property {string|null} camera
 * @property {string|null} captured_at
 * @property {number} score
 * @property {number[]} temporal_attention
 * @property {Frames} frames
 *
 * @typedef {object} Result
 * @property {number} rank
 * @property {string|null} identity
 * @property {number} score
 * @property {number|null} probability
 * @property {boolean|null} match
 * @property {FoundTracklet[]} tracklets
 *
 * @typedef {object} QueryTracklet
 * @property {Frames} frames
 * @property {number[]} temporal_attention
 * @property {number} effective_frames
 * @property {number[][][]|null} [spatial_attention] one map of rows and columns per sampled frame
 * @property {string[]|null} [pictures] base64 JPEG, one per sampled frame
 *
 * @typedef {{ camera_normalised: boolean, rerank: boolean, identity: string }} Scoring
 *
 * @typedef {object} SearchedGallery
 * @property {number} tracklets
 * @property {number} identities
 * @property {number} searched
 * @property {boolean} exact
 * @property {number|null} expected_false_matches
 * @property {Scoring} [scoring]
 *
 * @typedef {object} QueryAnswer
 * @property {QueryTracklet} query
 * @property {Result[]} results
 * @property {SearchedGallery} gallery
 * @property {string[]} warnings
 * @property {string} model_id
 * @property {{ decode: number, queue: number, embed: number, search: number,
 *   total: number }} timing_ms
 *
 * @typedef {object} Identity
 * @property {string} identity
 * @property {number} tracklets
 * @property {string[]} cameras
 * @property {string|null} first_seen
 * @property {string|null} last_seen
 *
 * @typedef {Identity & { items: Tracklet[], next_cursor: string|null }} IdentityPath
 *
 * @typedef {object} Camera
 * @property {string} camera
 * @property {number} tracklets
 * @property {string|null} first_seen
 * @property {string|null} last_seen
 *
 * @typedef {object} Limits
 * @property {number} body_bytes
 * @property {number} parts
 * @property {number} frames
 * @property {number} frame_bytes
 * @property {number} frame_pixels
 * @property {number} clip_seconds
 * @property {number} clip_frames
 * @property {number} clip_pixels
 * @property {number} queue_tracklets
 * @property {number} requests_per_second
 *
 * @typedef {{ far: number, threshold: number|null }} Rate
 * @typedef {{ data: string, prior: number, rates: Rate[], stale?: boolean }} Calibration
 * @typedef {"query"|"enrol"|"admin"} Role
 *
 * @typedef {object} Status
 * @property {{ tracklets: number, identities: number, cameras: number, pictures: number,
 *   bytes_on_disk: number, generation: number, scoring?: Scoring,
 *   refresh_pending?: boolean }} gallery
 * @property {number} queue_depth
 * @property {Limits} limits
 * @property {Role} role
 * @property {string} device
 * @property {string} index_device
 * @property {string} precision
 * @property {string} model_id
 * @property {Calibration|null} calibration
 * @property {boolean} keys_required
 *
 * @typedef {object} Model
 * @property {string} model_id
 * @property {string} provider
 * @property {string} precision
 * @property {Calibration|null} calibration
 * @property {Record<string, any>} manifest
 *
 * @typedef {object} Receipt
 * @property {string} receipt_id
 * @property {string} erased_at
 * @property {string} actor
 * @property {number} tracklets
 * @property {number} pictures
 * @property {string} physical
 *
 * @typedef {{ moved: number, merge_id: string }} Merged
 */

/**
 * @template T
 * @typedef {{ items: T[], next_cursor: string|null }} Page
 */

export {};
