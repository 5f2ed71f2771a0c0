/** The limits that the server enforces as well; here they are told before anything is sent. Lengths in characters. */
export const limits = {
  postLength: 5000,
  warningLength: 200,
  commentLength: 2000,
  circleNameLength: 60,
  messageLength: 5000,
  nameLength: 60,
  bioLength: 500,
  greetingLength: 500,
  invitationNoteLength: 100,
  passwordLeast: 8,
  passwordMost: 200,
} as const;

/** The length as the server counts it: in Unicode code points, not in UTF-16 units. */
export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
