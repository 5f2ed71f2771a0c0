/** A fingerprint in groups that can be read out: `abcd efgh …`. The last group may be shorter. */
export function fingerprintGroups(id: string): string[] {
  return id.match(/.{1,4}/gu) ?? [];
}

/** An address without what everybody knows: `https://bob.example` reads as `bob.example`. Plain http stays visible. */
export function shortAddress(address: string): string {
  return address.replace(/^https:\/\//u, '').replace(/\/$/u, '');
}
