import type { Friend } from '../api/types';
import { shortAddress } from './fingerprint';

/**
 * What to call somebody: their name, or their address as long as they have not told their name. The server then puts the
 * beginning of their fingerprint in its place, which nobody would recognise.
 */
export function friendName(friend: Pick<Friend, 'id' | 'name' | 'address'>): string {
  return friend.id.startsWith(friend.name) ? shortAddress(friend.address) : friend.name;
}
