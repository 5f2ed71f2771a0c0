/** A UUID of version 7 (RFC 9562 section 5.7): 48 bits of unix milliseconds, then randomness. */
export function uuidv7(nowMs: number = Date.now(), random: Uint8Array = crypto.getRandomValues(new Uint8Array(10))): string {
  const time = Math.floor(nowMs).toString(16).padStart(12, '0').slice(-12);
  const tail = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const variant = (8 + ((random[2] ?? 0) & 0x03)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${tail.slice(1, 4)}-${variant}${tail.slice(5, 8)}-${tail.slice(8, 20)}`;
}
