# The frame of every page.
skip-to-content = Skip to the content
nav = Screens
nav-gate = The gate
nav-use = In use
nav-evidence = Evidence
nav-overview = Overview
nav-cut-off = Cut-off board
nav-jurisdictions = Jurisdictions
nav-models = Models
nav-routes = Routes
nav-guard = Guard bench
nav-keys = Teams and keys
nav-requests = Requests
nav-audit = Audit
nav-chat = Chat
nav-set-up = Set-up
nav-accounts = Accounts
language = Language
language-change = Change
sign-out = Sign out
banner-withdrawn = { $n ->
    [one] { $count } withdrawn
   *[other] { $count } withdrawn
}
banner-withdrawn-what = Nothing is sent there. Where something else is prepared and permitted, it answers instead.
banner-drill = Drill, taken away for everybody:
banner-drill-until = until, at the latest,
yes = yes
no = no
role-owner = owner
role-officer = officer
role-operator = operator
role-auditor = auditor
role-user = user
refused-title = That was not done
refused-title-not-found = There is nothing here
refused-back = Back to the start
refused-not-permitted = Your role does not permit this. Whoever owns this gate can change your role.
refused-not-ours = This did not come from a page of this console, so it was not done. Load the page again and try once more.
refused-not-found = No page has this address.
refused-unreadable = What was sent cannot be read. Load the page again and try once more.
refused-too-long = What was sent is too long. Send less.
refused-not-so = There is something at this address, but not to be looked at like this. Go back and take the way from there.
refused-too-many = Too many want this at once. Try again in a few seconds.
refused-ours = Something is broken here. The gate's own log says what; tell whoever runs it.
refused-busy = Too many pages follow at once. Close some.
nav-first-steps = First steps
nav-destinations = Destinations
configuring-read-only = The configuration is { $file }, which was named on the command line: it is shown here and changed there.
configuring-mistakes = Nothing was changed. Mend this and send it again:
configuring-not-toml = The configuration file cannot be read as it stands now, so nothing was changed. “gwanmun check” says where it is wrong.
configuring-unrecorded = The change is written, but the audit log has not taken it: it comes into force when the log has it.
configuring-ended = The gate is stopping, so nothing was changed.
configuring-disk = Nothing was changed: { $why }.
asking-by = Answered by { $destination }
asking-degraded = degraded
asking-entry = entry { $entry } of the audit log
nav-menu = Menu
times-in = Times: { $zone }
unfollowed = This page is no longer followed: what it shows may have changed.
unfollowed-reload = Load it again
class-open = open
class-sensitive = sensitive
class-classified = classified
span-ms = { $value } ms
span-s = { $value } s
span-min = { $value } min
span-h = { $value } h
span-days = { $n ->
    [one] { $count } day
   *[other] { $count } days
}
others-not-known = others not known
not-known = not known
