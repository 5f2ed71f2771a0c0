import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/errors';
import type { Invitation } from '../api/types';
import { fakeApi } from '../testing';
import { texts } from '../texts';
import { Announcer } from './announcer.svelte';
import { Invitations } from './invitations.svelte';

function anInvitation(id: string, rest: Partial<Invitation> = {}): Invitation {
  return { id, note: null, created_ms: 0, expires_ms: 1, state: 'open', used_by: [], ...rest };
}

function invitationsWith(api: Parameters<typeof fakeApi>[0], listing: Invitation[] = []) {
  const announcer = new Announcer();
  const fake = fakeApi({ invitations: async () => listing, settings: async () => ({ who_may_ask: 'anyone' }) as never, ...api });
  return { announcer, invitations: new Invitations(fake, announcer) };
}

const link = 'https://alice.example/#invite=a.b';

describe('invitations', () => {
  it('shows the link of a new one, until the screen is opened again', async () => {
    const invite = vi.fn(async () => ({ link, invitation: anInvitation('one', { note: 'Carol' }) }));
    const { invitations, announcer } = invitationsWith({ invite });
    await invitations.open();
    invitations.note = ' Carol ';
    invitations.days = 30;
    await invitations.make();
    expect(invite).toHaveBeenCalledWith('Carol', 30);
    expect([invitations.link, invitations.note]).toEqual([link, '']);
    expect(invitations.list.map((one) => one.id)).toEqual(['one']);
    expect(announcer.notice?.text).toBe(texts.invitations.made);
    await invitations.open();
    expect([invitations.link, invitations.list.length]).toEqual(['', 1]);
  });

  it('takes one back', async () => {
    const { invitations } = invitationsWith({ revokeInvitation: async () => {} }, [anInvitation('one'), anInvitation('two')]);
    await invitations.open();
    await invitations.revoke(invitations.list[0]!);
    expect(invitations.list.map((one) => one.id)).toEqual(['two']);
  });

  it('says why nothing came of it, and keeps what was chosen before', async () => {
    const refuse = async () => Promise.reject(new ApiError('conflict', 'There are 50 already.', 409));
    const { invitations } = invitationsWith({ invite: refuse, choose: refuse });
    await invitations.open();
    await invitations.make();
    expect([invitations.problem, invitations.link]).toEqual(['There are 50 already.', '']);
    await invitations.choose('invited');
    expect(invitations.whoMayAsk).toBe('anyone');
  });

  it('makes none with an endless note', async () => {
    const invite = vi.fn();
    const { invitations } = invitationsWith({ invite });
    invitations.note = 'x'.repeat(101);
    await invitations.make();
    expect(invite).not.toHaveBeenCalled();
  });
});
