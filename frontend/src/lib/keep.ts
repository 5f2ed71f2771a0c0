/**
 * What this browser keeps for the owner between visits: drafts, unsent posts and the appearance. Storage may be full or
 * forbidden; then the app works on without it.
 */
export interface Keep {
  read(key: KeepKey): string | null;
  write(key: KeepKey, value: string): void;
  forget(key: KeepKey): void;
}

/** Every name under which something is kept. */
export type KeepKey = 'draft' | 'unsent' | 'theme';

const PREFIX = 'tidings.';

/** Keeps in the browser's local storage. */
export const localKeep: Keep = {
  read(key) {
    try {
      return localStorage.getItem(PREFIX + key);
    } catch {
      return null;
    }
  },
  write(key, value) {
    try {
      localStorage.setItem(PREFIX + key, value);
    } catch {
      // Full or forbidden: the value lives on in memory until the tab closes.
    }
  },
  forget(key) {
    try {
      localStorage.removeItem(PREFIX + key);
    } catch {
      // Forbidden: then nothing was written either.
    }
  },
};

/** Keeps in memory, for tests. */
export function memoryKeep(): Keep {
  const kept = new Map<KeepKey, string>();
  return {
    read: (key) => kept.get(key) ?? null,
    write: (key, value) => void kept.set(key, value),
    forget: (key) => void kept.delete(key),
  };
}
