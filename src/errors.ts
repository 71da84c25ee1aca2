// Errors: lists every code that the relay answers or stops with, and its HTTP status.

const statuses = {
  BAD_SIGNATURE: 401,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  UNKNOWN_SOURCE: 404,
  NOT_FOUND: 404,
  WRONG_METHOD: 405,
  BAD_JSON: 400,
  BAD_EVENT: 400,
  BAD_REQUEST: 400,
  REPEATED: 409,
  TOO_LARGE: 413,
  WRONG_TYPE: 415,
  TOO_MANY: 429,
  CANNOT_STORE: 503,
  CANNOT_POST: 503,
  LANE_LOST: 500,
  NO_ANSWER: 500,
  INTERNAL: 500,
  BAD_CONFIG: 500,
  BAD_DATABASE: 500
} as const

export type ErrorCode = keyof typeof statuses

/**
 * An error whose message may be shown to whoever asked: it says what happened and what to do, and contains no secret.
 * Callers look at `code`, never at the class or the text.
 */
export class RelayError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  get statusCode(): number {
    return statuses[this.code]
  }
}

/** A mistake of an operator in the config file. Faults are collected, so that all of them are reported at once. */
export interface Fault {
  /** The path from the top of the file: `['rules', 0, 'match', 'when']`. */
  path: readonly (string | number)[]
  message: string
  /** Another place that belongs to the fault; its line is given at the end of the message. */
  beside?: readonly (string | number)[]
  /** The place inside the value, in characters from its start. */
  offset?: number
  /** A key that is not there, by its path. */
  missing?: readonly (string | number)[]
  /** A warning is reported and does not keep the file from loading. */
  isWarning?: boolean
}
