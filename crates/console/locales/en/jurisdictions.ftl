# The screen `jurisdictions`: the map, the grid, what-if, policies compared.
jurisdictions-title = Jurisdictions
jurisdictions-lead = Where each destination processes data and whose law reaches it, and which class of data may go where: as the policy in force judges it.
jurisdictions-map = Map of the jurisdictions that destinations lie in or under
jurisdictions-both = processed and controlled there
jurisdictions-processed = processed there
jurisdictions-controlled = controlled from there
jurisdictions-gone = all withdrawn
jurisdictions-unknown = Of these not everything is known (whose law reaches the maker of a model’s weights, say), so no rule that asks for a jurisdiction on that side is met: { $places }.
jurisdictions-grid = Which class may reach where
jurisdictions-grid-lead = Of a request in which nothing is found, through any model.
jurisdictions-grid-legend = ⚖ Data is not processed there; only its law reaches the place. A place that is struck through is withdrawn now.
jurisdictions-nothing = nothing
jurisdictions-show = Show
jurisdictions-proof = What is proved
jurisdictions-proved = proved
jurisdictions-not-proved = checked as requests come
jurisdictions-not-proved-what = There are too many combinations of facts to walk through. Each is checked when it first occurs, and what must not open is closed.
jurisdictions-policy-name = Policy in force
jurisdictions-policy-hash = Its SHA-256
jurisdictions-policy-try = Compare another policy with it
jurisdictions-what-if = What if something were withdrawn
jurisdictions-what-if-lead = It changes nothing: for every team and model, what answers today, what would answer instead, and what goes dark.
jurisdictions-nothing-abroad = There is no destination to withdraw: only the local floor answers here.
jurisdictions-and = And also
jurisdictions-without = Without { $subject }
jurisdictions-today = Today
jurisdictions-instead = Instead
jurisdictions-lost = What is lost
jurisdictions-lost-capability = ability
jurisdictions-lost-context = context
jurisdictions-lost-language = language
jurisdictions-lost-price = price
jurisdictions-lost-tokens = tokens
jurisdictions-lost-unknown = not known
jurisdictions-others = Other jurisdictions, which the policy permits: { $codes }
jurisdictions-at-worst = perhaps
jurisdictions-fate-dark = dark
jurisdictions-fate-floor = local floor, degraded
jurisdictions-fate-moves = moves
jurisdictions-fate-unchanged = unchanged
jurisdictions-fate-refused = refused today
jurisdictions-picture = As a picture
jurisdictions-picture-keep = Keep the picture (SVG)
jurisdictions-cannot-tell = What this cannot tell
jurisdictions-policy = Compare a policy
jurisdictions-policy-lead = Paste the rules of a policy and see what it would judge otherwise than { $policy }, which is in force. Nothing comes into force before you say so.
jurisdictions-policy-wanted = Paste the rules of a policy first.
jurisdictions-policy-wrong = It could not come into force. Mend these and compare again:
jurisdictions-policy-proved = The proof finds nothing wrong with it for the destinations here.
jurisdictions-policy-no-cases = It has no cases.
jurisdictions-policy-cases = { $good } of { $all } cases are decided as expected.
jurisdictions-policy-differences = Differences
jurisdictions-policy-opens = Open a destination
jurisdictions-policy-closes = Close a destination
jurisdictions-policy-not-all = These are not all: the two tell too many combinations of facts apart.
jurisdictions-policy-change = Change
jurisdictions-policy-where = Destinations
jurisdictions-policy-when = When
jurisdictions-policy-was = Was
jurisdictions-policy-now = Would be
jurisdictions-change-opens = opens
jurisdictions-change-closes = closes
jurisdictions-change-terms = other terms
jurisdictions-change-reason = other reason
jurisdictions-always = always
jurisdictions-permitted = permitted
jurisdictions-refused = refused
jurisdictions-masked = masked: { $kinds }
jurisdictions-pseudonymised = pseudonymised: { $kinds }
jurisdictions-answer-masked = masked in the answer
jurisdictions-label = label { $label }
jurisdictions-review = reviewed by a person
jurisdictions-policy-from = Begin from a shipped policy:
jurisdictions-policy-rules = Rules (Cedar)
jurisdictions-policy-settings = Settings and cases (TOML), if it has any
jurisdictions-policy-compare = Compare
jurisdictions-back = Back to the jurisdictions
jurisdictions-countries = { $n ->
    [one] One country, as a table
   *[other] { $count } countries, as a table
}
jurisdictions-proved-over = { $n ->
    [one] Over one combination of facts: no higher class, no signal and no unread content ever opens a destination, and no substitute goes beyond what the policy permits.
   *[other] Over { $count } combinations of facts: no higher class, no signal and no unread content ever opens a destination, and no substitute goes beyond what the policy permits.
}
jurisdictions-notes = { $n ->
    [one] One note of the proof
   *[other] { $count } notes of the proof
}
jurisdictions-policy-alike = { $n ->
    [one] It judges every request as the one in force does, for one destination.
   *[other] It judges every request as the one in force does, for { $count } destinations.
}
# Putting one in force
jurisdictions-policy-call-it = Its name here
jurisdictions-policy-name-wanted = Give the policy a name: 1 to 48 lower-case letters, digits and “-”.
jurisdictions-policy-use = Put this text in force
policy-choice = Put a shipped policy in force
policy-choice-which = Which policy
policy-choice-about-local = nothing leaves this machine
policy-choice-about-open = every destination may be asked; for trying things out
policy-choice-about-kr-public-sector = Korean public bodies: grades C, S and O
policy-choice-about-kr-enterprise = Korean companies: personal data stays in Korea, or leaves disguised on a known basis
policy-choice-about-eu-gdpr = organisations in the European Economic Area, under the GDPR
policy-choice-about-vn-enterprise = Vietnamese companies: personal data stays in Vietnam, or leaves disguised on a known basis
policy-choice-home = Where you are
policy-choice-home-unsaid = as it is
policy-choice-use = Put it in force
