import { texts } from '../texts';

/** What went wrong, in the only distinctions that screens make. */
export type ErrorKind =
  | 'offline'
  | 'signed_out'
  | 'gone'
  | 'conflict'
  | 'invalid'
  | 'too_large'
  | 'too_many'
  | 'friend_unreachable'
  | 'unavailable'
  | 'internal';

/**
 * A request that did not succeed. `message` is a sentence that may be shown as it is: what happened and what to do.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly kind: ErrorKind,
    message: string,
    /** The HTTP status, or 0 if there was no answer. */
    readonly status: number,
    /** How long the server asks to wait, in milliseconds. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }

  /** The sentence for any thrown value, also one that is no {@link ApiError}. */
  static sentence(error: unknown): string {
    return error instanceof ApiError ? error.message : texts.errors.internal;
  }
}

/** No answer: the deployment is down, the network is, or it took too long. */
export function offlineError(): ApiError {
  return new ApiError('offline', texts.errors.offline, 0);
}

/** An answer other than success, with whatever body came along. */
export function errorFromAnswer(status: number, problem: unknown, retryAfter: string | null): ApiError {
  const retryAfterMs = parseRetryAfter(retryAfter);
  const kind = kindOf(status);
  return new ApiError(kind, sentenceFor(kind, detailOf(problem), retryAfterMs), status, retryAfterMs);
}

function kindOf(status: number): ErrorKind {
  switch (status) {
    case 401:
      return 'signed_out';
    case 404:
    case 410:
      return 'gone';
    case 409:
      return 'conflict';
    case 413:
      return 'too_large';
    case 429:
      return 'too_many';
    case 502:
    case 504:
      return 'friend_unreachable';
    case 503:
      return 'unavailable';
    default:
      return status >= 400 && status < 500 ? 'invalid' : 'internal';
  }
}

/** The server's own explanation is the better one wherever it can know more than we do. */
function sentenceFor(kind: ErrorKind, detail: string | null, retryAfterMs: number | null): string {
  const own = texts.errors;
  switch (kind) {
    case 'offline':
      return own.offline;
    case 'signed_out':
      return own.signedOut;
    case 'gone':
      return own.gone;
    case 'too_many':
      return retryAfterMs === null ? (detail ?? own.tooMany) : own.tooManySeconds(Math.ceil(retryAfterMs / 1000));
    case 'internal':
      return own.internal;
    case 'conflict':
      return detail ?? own.conflict;
    case 'invalid':
      return detail ?? own.invalid;
    case 'too_large':
      return detail ?? own.tooLarge;
    case 'friend_unreachable':
      return detail ?? own.friendUnreachable;
    case 'unavailable':
      return detail ?? own.unavailable;
  }
}

/** The `detail` of an RFC 9457 problem, if the body is one. */
function detailOf(problem: unknown): string | null {
  if (typeof problem !== 'object' || problem === null || !('detail' in problem)) return null;
  const { detail } = problem;
  return typeof detail === 'string' && detail.trim() !== '' ? detail : null;
}

/** `Retry-After` in seconds (RFC 9110 section 10.2.3); its form as a date is not used by Tidings. */
function parseRetryAfter(value: string | null): number | null {
  if (value === null || !/^\d{1,6}$/.test(value)) return null;
  return Number(value) * 1000;
}
