/** A store that is replicated may list what was written up to a minute late; after this long a listing is believed. */
export const TRUST_LISTING_AFTER_MS = 120_000;

interface Identified {
  readonly id: string;
}

/** A write of the owner's that the server has confirmed. */
interface Write<T> {
  /** What there is now; null if it was removed. */
  readonly item: T | null;
  /** What a listing showed before; null if it did not exist. */
  readonly before: T | null;
  readonly atMs: number;
  /** A listing has shown it: if it is missing later, it is gone. */
  seen: boolean;
}

/**
 * The owner's own writes that the server has acknowledged, laid over listings until those show them too: nothing that
 * was just written blinks out of view because a listing lags behind.
 */
export class Acknowledged<T extends Identified> {
  readonly #writes = new Map<string, Write<T>>();

  /**
   * @param movedOn tells whether a listed item is past the state that it was in before the write
   */
  constructor(
    private readonly now: () => number,
    private readonly movedOn: (listed: T, before: T) => boolean = () => false,
  ) {}

  /** The server confirmed that this item exists now, in this form. */
  wrote(item: T, before: T | null = null): void {
    this.#writes.set(item.id, { item, before, atMs: this.now(), seen: false });
  }

  /** The server confirmed that this item is gone. */
  removed(before: T): void {
    this.#writes.set(before.id, { item: null, before, atMs: this.now(), seen: false });
  }

  /** A new listing came in: notes which writes it shows already. */
  arrived(listing: readonly T[]): void {
    const believedBefore = this.now() - TRUST_LISTING_AFTER_MS;
    for (const [id, write] of this.#writes) {
      if (write.atMs < believedBefore) this.#writes.delete(id);
    }
    for (const item of listing) {
      const write = this.#writes.get(item.id);
      if (write !== undefined && !this.#lags(item, write)) write.seen = true;
    }
  }

  /** The listing as it will be once it has caught up. What it lacks is put in front. */
  over(listing: readonly T[]): T[] {
    const listed = new Set(listing.map((item) => item.id));
    const missing = [...this.#writes.values()].flatMap(({ item, seen }) => (item !== null && !seen && !listed.has(item.id) ? [item] : []));
    const present = listing.flatMap((item) => {
      const write = this.#writes.get(item.id);
      if (write === undefined || !this.#lags(item, write)) return [item];
      return write.item === null ? [] : [write.item];
    });
    return [...missing.reverse(), ...present];
  }

  #lags(listed: T, { before }: Write<T>): boolean {
    return before !== null && !this.movedOn(listed, before);
  }
}
