# The screen `audit`.
audit-title = Audit
audit-lead = The log of requests and changes: an append-only tree of entries whose head is signed. Nothing here has to be believed; it can be worked out.
audit-head = Newest checkpoint
audit-origin = Log
audit-size = Entries
audit-root = Root
audit-signed-at = Signed
audit-signatures = Signatures
audit-witnesses = Witnesses
audit-witnesses-none = No witness has cosigned this log yet. Witnesses make it impossible for whoever holds the key to show different histories to different people.
audit-witness = Witness
audit-algorithm = Algorithm
audit-when = When
audit-verify = Check it in this browser
audit-verify-lead = Your browser fetches the checkpoint and the hashes and works out by itself whether they belong together. The key comes from this server too: compare it with the one that you were given another way.
audit-verify-limits = Browsers cannot check the post-quantum signature (ML-DSA-44), nor whether each entry says what an entry may. This does, from a copy of the log:
audit-verify-script = This part needs JavaScript. The command above needs none.
audit-verify-entry = And the proof of entry
audit-verify-button = Check
audit-runs = Checking …
audit-holds = holds
audit-fails = does not hold
audit-not-done = not done
audit-all-hold = All that was checked holds.
audit-some-fail = Something does not hold. Keep this page and tell whoever answers for the log.
audit-in-part = What was checked holds; not everything could be checked here.
audit-step-checkpoint = The checkpoint can be read
audit-step-key = The log’s key is what it says it is
audit-step-signature = The Ed25519 signature is by that key
audit-step-root = All leaves together give the signed root
audit-step-proof = The chosen entry leads to the root
audit-step-witness = What witnesses cosigned is the beginning of this log
audit-one = One entry
audit-open = Show
audit-changes = What was changed
audit-changes-lead = What operators did, when the gate began and stopped, and what was erased.
audit-changes-none = No entry fits.
audit-action = Done
audit-subject = To what
audit-by = By whom
audit-detail = Details
audit-entry-title = Entry
audit-entry-lead = As the log holds it: the bytes that its hash is of.
audit-leaf = Leaf hash
audit-proof-file = Download its proof
audit-before = Entry before
audit-after = Entry after
audit-proof-check = Anybody can check the proof, on any machine, with
audit-waiting = { $n ->
    [one] one more waits for the next signature
   *[other] { $count } more wait for the next signature
}
audit-cosigned = { $n ->
    [one] They have cosigned the first entry.
   *[other] They have cosigned the first { $count } entries.
}
