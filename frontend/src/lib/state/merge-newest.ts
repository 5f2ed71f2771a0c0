interface Identified {
  readonly id: string;
}

/** What was listed of something that is paged, newest first. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/**
 * Lays a fresh newest page over what was listed before. Older items stay if the page reaches down to them; if so much is
 * new that it does not, they are let go and paging starts over below the page. What the page no longer names is gone.
 */
export function mergeNewest<T extends Identified>(listing: readonly T[], next: string | null, page: Listed<T>): Listed<T> {
  const inPage = new Set(page.items.map((item) => item.id));
  const lastShared = listing.findLastIndex((item) => inPage.has(item.id));
  const older = page.next === null || lastShared < 0 ? [] : listing.slice(lastShared + 1);
  return { items: [...page.items, ...older], next: older.length > 0 ? next : page.next };
}
