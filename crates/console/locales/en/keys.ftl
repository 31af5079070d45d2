# Teams and keys.
keys-title = Teams and keys
keys-lead = Who may call the gate, as which team. Every change is an entry in the audit log.
keys-none = There are no keys yet.
keys-none-in-force = No key of this team is in force.
keys-of-team = Team { $team }
keys-registered = as the configuration registers the team
keys-not-registered = The configuration registers nothing for this team.
keys-name = Name
keys-id = Id
keys-team = Team
keys-class = Class
keys-class-least = Least class of its data
keys-class-none = not said
keys-continuity = Broken answers
keys-continuity-broken = Answers that break off
keys-continuity-error = end in an error
keys-continuity-splice = go on elsewhere
keys-continuity-none = as the route says
keys-purpose = Purpose
keys-use-area = Use area
keys-high-impact = high impact
keys-made-at = Made
keys-last-used = Last used
keys-requests = Requests
keys-requests-count = { $n ->
    [one] { $count } request
   *[other] { $count } requests
}
keys-never = never
keys-uses-unknown = When keys were used is not known: it is read from the audit log, which is off.
keys-revoked-at = Revoked
keys-revoked-count = { $n ->
    [one] { $count } revoked key
   *[other] { $count } revoked keys
}
keys-do = What can be done
keys-replace = Replace
keys-revoke = Revoke
keys-replace-this = Replace the key { $name }
keys-revoke-this = Revoke the key { $name }
keys-replace-what = A new key with the same name, team and class takes its place and is shown once. The old one is refused within a second: whatever still uses it stops until it has the new one.
keys-revoke-what = It is refused within a second, for good. Whatever still uses it stops.
keys-replace-yes = Replace it
keys-revoke-yes = Revoke it
keys-leave-it = Leave it as it is
keys-new = A new key
keys-new-what = A request has the highest class of what its key, its team and its route are registered with, what it declares and what is found in it.
keys-create = Make the key
keys-made = The key { $name } is made
keys-replaced = The key { $name } is replaced
keys-replaced-old = The old one is not taken any more.
keys-made-once = It is shown only now, and kept nowhere. Hand it over by a safe way. It is taken within a second.
keys-copy = Copy
keys-how-to-use = How it is used
keys-name-wanted = Give the key a name.
keys-team-wanted = Give a team: what the key asks counts as this team’s.
keys-bad-name = “{ $name }” cannot be a key’s name: take 1 to 64 characters.
keys-bad-team = “{ $team }” cannot be a team’s name: take 1 to 64 characters.
keys-name-taken = A key “{ $name }” is in force: choose another name, or replace or revoke that one.
keys-too-many = You have { $most } keys of your own already: revoke one first.
keys-own-of = made by { $account } for themself
keys-not-found = No key “{ $name }” is in force: it was revoked or replaced meanwhile.
