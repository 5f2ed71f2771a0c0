import { texts } from '../texts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

const LOCALE = texts.locale;
const words = {
  long: new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto', style: 'long' }),
  narrow: new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto', style: 'narrow' }),
};
const thisYear = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short' });
const anyYear = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', year: 'numeric' });
const full = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'full', timeStyle: 'short' });

/**
 * How long ago something was, or how long it will take, in words: "just now", "5 minutes ago", "in 2 hours", and a date from
 * a week on; `narrow` says "5m ago" where room is scarce. Times up to 45 s off count as now, so that clocks that differ a little do not show the future.
 */
export function relativeTime(atMs: number, nowMs: number, length: 'long' | 'narrow' = 'long'): string {
  const relative = words[length];
  const distance = atMs - nowMs;
  const size = Math.abs(distance);
  if (size < 45 * SECOND) return texts.time[length === 'long' ? 'justNow' : 'now'];
  if (size < 59.5 * MINUTE) return relative.format(awayFromZero(distance / MINUTE), 'minute');
  if (size < 23.5 * HOUR) return relative.format(awayFromZero(distance / HOUR), 'hour');
  if (size < WEEK) return relative.format(awayFromZero(distance / DAY), 'day');
  const at = new Date(atMs);
  return at.getFullYear() === new Date(nowMs).getFullYear() ? thisYear.format(at) : anyYear.format(at);
}

/** The whole date and time, for titles. */
export function fullTime(atMs: number): string {
  return full.format(new Date(atMs));
}

/** The day alone. */
export function day(atMs: number): string {
  return anyYear.format(new Date(atMs));
}

/** Rounds to the nearest whole number, but never to zero: "0 minutes ago" says nothing. */
function awayFromZero(value: number): number {
  return Math.sign(value) * Math.max(1, Math.round(Math.abs(value)));
}
