import { describe, expect, it } from 'vitest';
import { pattern } from './avatar/pattern';
import { characters } from './limits';
import { uuidv7 } from './uuidv7';

describe('uuidv7', () => {
  it('carries time, version and variant where RFC 9562 puts them', () => {
    // The example of RFC 9562, appendix A.6.
    const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
    expect(uuidv7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-88c4-dc0c0c07398f');
  });

  it('sorts by time and never repeats', () => {
    expect(uuidv7(1) < uuidv7(2)).toBe(true);
    expect(new Set(Array.from({ length: 1000 }, () => uuidv7(1))).size).toBe(1000);
  });
});

describe('characters', () => {
  it('counts code points, as the server does', () => {
    expect(characters('a👍é')).toBe(3);
  });
});

describe('avatar pattern', () => {
  it('is always the same for one identity and mirrors left and right', () => {
    const one = pattern('kzdvvj2umnduyauf35o36k6kw4');
    expect(pattern('kzdvvj2umnduyauf35o36k6kw4')).toEqual(one);
    for (const [left, , right] of one.cells) expect(right?.startsWith('quarter')).toBe(left?.startsWith('quarter'));
  });

  it('differs for most identities', () => {
    const drawn = new Set(Array.from({ length: 200 }, (_, number) => JSON.stringify(pattern(`identity-${number}`))));
    expect(drawn.size).toBeGreaterThan(190);
  });
});
