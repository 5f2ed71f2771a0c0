import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { NewPost, Post } from '../api/types';
import type { Keep } from '../keep';
import { uuidv7 } from '../uuidv7';

/** A post on its way: shown at once, confirmed later. */
export interface Unsent {
  /** Names this post to the server: however often it is sent, it is created once. */
  readonly key: string;
  readonly post: NewPost;
  readonly writtenMs: number;
  readonly state: 'sending' | 'failed';
  /** Why it failed. */
  readonly problem: string;
}

/** More than this is not kept; the composer refuses before. */
const MOST = 50;

/** Posts that the server has not confirmed yet, newest first. They outlive a reload. */
export class Outbox {
  unsent = $state.raw<readonly Unsent[]>([]);

  constructor(
    private readonly api: Api,
    private readonly keep: Keep,
    private readonly confirmed: (post: Post) => void,
  ) {
    this.unsent = restored(keep.read('unsent'));
  }

  get full(): boolean {
    return this.unsent.length >= MOST;
  }

  /** Sends a new post; resolves when it is confirmed or has visibly failed. */
  async send(post: NewPost): Promise<void> {
    const entry: Unsent = { key: uuidv7(), post, writtenMs: Date.now(), state: 'sending', problem: '' };
    this.#set([entry, ...this.unsent]);
    await this.#deliver(entry);
  }

  async retry(key: string): Promise<void> {
    const entry = this.unsent.find((candidate) => candidate.key === key);
    if (entry?.state !== 'failed') return;
    this.#replace({ ...entry, state: 'sending', problem: '' });
    await this.#deliver(entry);
  }

  discard(key: string): void {
    this.#set(this.unsent.filter((entry) => entry.key !== key));
  }

  clear(): void {
    this.#set([]);
  }

  async #deliver(entry: Unsent): Promise<void> {
    try {
      this.confirmed(await this.api.createPost(entry.post, entry.key));
      this.discard(entry.key);
    } catch (error) {
      this.#replace({ ...entry, state: 'failed', problem: ApiError.sentence(error) });
    }
  }

  #replace(entry: Unsent): void {
    this.#set(this.unsent.map((other) => (other.key === entry.key ? entry : other)));
  }

  #set(unsent: readonly Unsent[]): void {
    this.unsent = unsent;
    if (unsent.length === 0) this.keep.forget('unsent');
    else this.keep.write('unsent', JSON.stringify(unsent.map(({ key, post, writtenMs }) => ({ key, post, writtenMs }))));
  }
}

/** What an earlier visit left behind. Nobody knows whether it arrived: it shows as failed, and sending again is safe. */
function restored(json: string | null): Unsent[] {
  try {
    const kept: unknown = JSON.parse(json ?? '[]');
    return Array.isArray(kept) ? kept.filter(isKept).map((entry) => ({ ...entry, state: 'failed', problem: '' })) : [];
  } catch {
    return [];
  }
}

function isKept(value: unknown): value is Pick<Unsent, 'key' | 'post' | 'writtenMs'> {
  if (typeof value !== 'object' || value === null) return false;
  const { key, post, writtenMs } = value as Record<string, unknown>;
  if (typeof key !== 'string' || typeof writtenMs !== 'number' || typeof post !== 'object' || post === null) return false;
  return typeof (post as Record<string, unknown>)['text'] === 'string';
}
