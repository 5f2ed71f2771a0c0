import { describe, expect, it } from 'vitest';
import { fingerprintGroups, shortAddress } from './fingerprint';
import { friendName } from './friend-name';
import { relativeTime } from './relative-time';
import { segments } from './segments';

const NOW = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('relativeTime', () => {
  it.each([
    [0, 'just now'],
    [-44_000, 'just now'],
    [30_000, 'just now'],
    [-50_000, '1 minute ago'],
    [-5 * MINUTE, '5 minutes ago'],
    [-59 * MINUTE, '59 minutes ago'],
    [-60 * MINUTE, '1 hour ago'],
    [-23 * HOUR, '23 hours ago'],
    [-DAY, 'yesterday'],
    [-3 * DAY, '3 days ago'],
    [-8 * DAY, 'Nov 14'],
    [-400 * DAY, 'Oct 18, 2025'],
    [15 * MINUTE, 'in 15 minutes'],
    [4 * HOUR, 'in 4 hours'],
  ])('says %i ms from now as "%s"', (offset, words) => {
    expect(relativeTime(NOW + offset, NOW)).toBe(words);
  });

  it('is short where room is scarce', () => {
    expect(relativeTime(NOW - 5 * MINUTE, NOW, 'narrow')).toBe('5m ago');
  });
});

describe('segments', () => {
  it('keeps text without addresses whole', () => {
    expect(segments('a < b & "c"')).toEqual([{ text: 'a < b & "c"' }]);
  });

  it('finds addresses and leaves the punctuation around them alone', () => {
    expect(segments('See (https://a.example/x), or https://b.example/y_(z).')).toEqual([
      { text: 'See (' },
      { text: 'https://a.example/x', href: 'https://a.example/x' },
      { text: '), or ' },
      { text: 'https://b.example/y_(z)', href: 'https://b.example/y_(z)' },
      { text: '.' },
    ]);
  });

  it('links nothing but http and https', () => {
    for (const text of ['javascript:alert(1)', 'data:text/html,x', 'ftp://a.example', 'https://', '']) {
      expect(segments(text).filter((piece) => piece.href !== undefined)).toEqual([]);
    }
  });

  it('never loses a character', () => {
    const text = 'https://a.example... https://?? x https://b.example/"quoted"\n\nend';
    expect(segments(text).map((piece) => piece.text).join('')).toBe(text);
  });
});

describe('fingerprint', () => {
  it('is read out in groups of four', () => {
    expect(fingerprintGroups('kzdvvj2umnduyauf35o36k6kw4')).toEqual(['kzdv', 'vj2u', 'mndu', 'yauf', '35o3', '6k6k', 'w4']);
  });

  it('leaves out of an address what everybody knows', () => {
    expect(shortAddress('https://bob.example/')).toBe('bob.example');
    expect(shortAddress('http://127.0.0.1:3001')).toBe('http://127.0.0.1:3001');
  });
});

describe('friendName', () => {
  const bob = { id: 'kzdvvj2umnduyauf35o36k6kw4', address: 'https://bob.example' };

  it('is the name that they gave', () => {
    expect(friendName({ ...bob, name: 'Bob' })).toBe('Bob');
  });

  it.each(['', 'kzdvvj2u'])('is the address while the name is unknown (%j)', (name) => {
    expect(friendName({ ...bob, name })).toBe('bob.example');
  });
});
