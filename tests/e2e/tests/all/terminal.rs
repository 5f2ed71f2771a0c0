//! What an owner does in a terminal.

use std::process::{Command, Output, Stdio};
use tidings_e2e::{Mode, Owner, World, program};
use tidings_social::api::{FriendState, InvitationState, IssuedInvitation};

tidings_e2e::tests![invitations_are_made_listed_and_revoked_in_a_terminal];

/// Runs the program as this owner would.
fn run(owner: &Owner, arguments: &[&str]) -> Output {
    Command::new(program())
        .args(arguments)
        .env("TIDINGS_PASSWORD", &owner.password)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// What it printed, once it succeeded.
fn printed(owner: &Owner, arguments: &[&str]) -> String {
    let output = run(owner, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn invitations_are_made_listed_and_revoked_in_a_terminal(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    let (at_alice, at_bob) = (alice.deployment.origin(), bob.deployment.origin());
    let make = ["invitations", "make", &at_bob, "--note", "for Alice", "--days", "2"];
    let link = printed(&bob, &make);
    let made = printed(&bob, &["invitations", "make", &at_bob, "--json"]);
    let revoked: IssuedInvitation = serde_json::from_str(&made).unwrap();
    mode.settle();
    let list = printed(&bob, &["invitations", "list", &at_bob]);
    assert_eq!((list.lines().count(), list.matches("open, for ").count()), (2, 2), "{list}");
    assert!(list.contains("(for Alice)") && list.contains(&revoked.invitation.id), "{list}");

    // By its link; and no more by its id.
    let said = printed(&bob, &["invitations", "revoke", &revoked.link, &at_bob]);
    assert!(said.contains(&revoked.invitation.id), "{said}");
    mode.settle();
    let again = run(&bob, &["invitations", "revoke", &revoked.invitation.id, &at_bob]);
    assert!(!again.status.success());
    for nonsense in ["../friends", "https://bob.example/", ""] {
        let refused = run(&bob, &["invitations", "revoke", nonsense, &at_bob]);
        let told = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && told.contains("neither"), "{nonsense}: {told}");
    }
    let too_long = run(&bob, &["invitations", "make", &at_bob, "--days", "91"]);
    assert!(!too_long.status.success());

    let _ = printed(&alice, &["friends", &at_alice, "--ask", link.trim()]);
    mode.eventually("they are friends", || {
        alice.state_of(&bob) == Some(FriendState::Friends)
            && bob.state_of(&alice) == Some(FriendState::Friends)
    });
    let left = bob.invitations();
    assert_eq!(left.iter().map(|i| i.state).collect::<Vec<_>>(), [InvitationState::Used]);
    let list = printed(&bob, &["invitations", "list", &at_bob]);
    assert!(list.contains("used by Alice"), "{list}");
}
