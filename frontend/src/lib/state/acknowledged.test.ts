import { describe, expect, it } from 'vitest';
import { Acknowledged } from './acknowledged';

interface Item {
  id: string;
  state: string;
}

function overlay() {
  const clock = { ms: 0 };
  const acknowledged = new Acknowledged<Item>(
    () => clock.ms,
    (listed, before) => listed.state !== before.state,
  );
  const see = (...listing: Item[]) => {
    acknowledged.arrived(listing);
    return acknowledged.over(listing);
  };
  return { acknowledged, clock, see };
}

const old: Item = { id: 'a', state: 'old' };
const changed: Item = { id: 'a', state: 'new' };
const other: Item = { id: 'b', state: 'old' };

describe('acknowledged writes', () => {
  it('are shown in front while a listing lacks them', () => {
    const { acknowledged, see } = overlay();
    acknowledged.wrote(changed);
    expect(see(other)).toEqual([changed, other]);
  });

  it('replace what a listing still shows in its old state', () => {
    const { acknowledged, see } = overlay();
    acknowledged.wrote(changed, old);
    expect(see(other, old)).toEqual([other, changed]);
  });

  it('give way to a listing that has moved on', () => {
    const { acknowledged, see } = overlay();
    const later = { id: 'a', state: 'later' };
    acknowledged.wrote(changed, old);
    expect(see(later)).toEqual([later]);
    expect(see()).toEqual([]);
  });

  it('keep away what was removed until it comes back in another state', () => {
    const { acknowledged, see } = overlay();
    acknowledged.removed(old);
    expect(see(old, other)).toEqual([other]);
    expect(see(changed, other)).toEqual([changed, other]);
  });

  it('are forgotten after two minutes', () => {
    const { acknowledged, clock, see } = overlay();
    acknowledged.wrote(changed);
    clock.ms = 120_001;
    expect(see(other)).toEqual([other]);
  });
});
