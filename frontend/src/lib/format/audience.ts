import type { Audience, Circle, Friend } from '../api/types';
import { texts } from '../texts';
import { friendName } from './friend-name';

/** Who sees a post now, of the friends that there are. */
export function readers(audience: Audience | null, circles: readonly Circle[], friends: readonly Friend[]): Friend[] {
  if (audience === null || audience.to === 'public') return [...friends];
  const except = new Set(audience.except ?? []);
  const named = new Set<string>();
  if (audience.to === 'chosen') {
    audience.friends?.forEach((id) => named.add(id));
    circles.filter((circle) => audience.circles?.includes(circle.id)).forEach((circle) => circle.members.forEach((id) => named.add(id)));
  }
  return friends.filter((friend) => !except.has(friend.id) && (audience.to === 'friends' || named.has(friend.id)));
}

/** More names than this are not listed one by one. */
const NAMED = 4;

/** Says in a sentence who sees a post. */
export function audienceSentence(audience: Audience | null, circles: readonly Circle[], friends: readonly Friend[]): string {
  const t = texts.audience;
  if (audience === null) return t.all;
  if (audience.to === 'public') return t.everybody;
  const nameOf = (id: string) => {
    const friend = friends.find((friend) => friend.id === id);
    return friend === undefined ? t.formerFriend : friendName(friend);
  };
  if (audience.to === 'friends') return t.allBut((audience.except ?? []).map(nameOf));
  const found = readers(audience, circles, friends);
  if (found.length === 0) return t.nobody;
  return found.length <= NAMED ? t.only(found.map(friendName)) : t.count(found.length);
}
