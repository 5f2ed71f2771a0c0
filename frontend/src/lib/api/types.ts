import type { components } from './schema';

type Schemas = components['schemas'];

export type Audience = Schemas['Audience'];
export type Circle = Schemas['CircleView'];
export type NewPost = Schemas['NewPost'];
export type Body = Schemas['Body'];
export type Post = Schemas['PostView'];
export type PostPage = Schemas['PostPage'];
export type Certificate = Schemas['CertificateDocument'];
export type Blocked = Schemas['BlockedView'];
export type Changes = Schemas['Changes'];
export type Conversation = Schemas['ConversationView'];
export type ConversationList = Schemas['ConversationList'];
export type ConversationPage = Schemas['ConversationPage'];
export type Message = Schemas['MessageView'];
export type Friend = Schemas['FriendView'];
export type FriendList = Schemas['FriendList'];
export type Invitation = Schemas['InvitationView'];
export type IssuedInvitation = Schemas['IssuedInvitation'];
export type Notice = Schemas['NotificationView'];
export type NoticePage = Schemas['NotificationPage'];
export type Profile = Schemas['ProfileView'];
export type RefreshReport = Schemas['RefreshReport'];
export type SessionStatus = Schemas['SessionStatus'];
export type Settings = Schemas['Settings'];
export type SetupRequest = Schemas['SetupRequest'];
