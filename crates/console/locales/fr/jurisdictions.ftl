# L’écran `jurisdictions` : la carte, la grille, les hypothèses, les politiques comparées.
jurisdictions-title = Juridictions
jurisdictions-lead = Où chaque destination traite les données, quelle loi l’atteint, et quelle classe de données peut aller où : comme en juge la politique en vigueur.
jurisdictions-map = Carte des juridictions des destinations
jurisdictions-both = traitement et contrôle
jurisdictions-processed = traitement
jurisdictions-controlled = contrôle
jurisdictions-gone = tout retiré
jurisdictions-unknown = De ces lieux, tout n’est pas connu (par exemple de quel droit relève l’auteur des poids d’un modèle) ; aucune règle exigeant une juridiction de ce côté n’est donc satisfaite : { $places }.
jurisdictions-grid = Quelle classe peut aller où
jurisdictions-grid-lead = Pour une requête où rien n’est trouvé, par n’importe quel modèle.
jurisdictions-grid-legend = ⚖ Les données n’y sont pas traitées ; seule sa loi atteint le lieu. Un lieu barré est retiré en ce moment.
jurisdictions-nothing = rien
jurisdictions-show = Afficher
jurisdictions-proof = Ce qui est prouvé
jurisdictions-proved = prouvé
jurisdictions-not-proved = vérifié à chaque requête
jurisdictions-not-proved-what = Il y a trop de combinaisons de faits pour les parcourir toutes. Chacune est vérifiée à sa première apparition, et ce qui ne doit pas s’ouvrir est fermé.
jurisdictions-policy-name = Politique en vigueur
jurisdictions-policy-hash = Son SHA-256
jurisdictions-policy-try = La comparer à une autre politique
jurisdictions-what-if = Et si quelque chose était retiré
jurisdictions-what-if-lead = Rien n’est changé : pour chaque équipe et chaque modèle, ce qui répond aujourd’hui, ce qui répondrait à la place, et ce qui resterait sans réponse.
jurisdictions-nothing-abroad = Aucune destination à retirer : seul le socle local répond ici.
jurisdictions-and = Et aussi
jurisdictions-without = Sans { $subject }
jurisdictions-today = Aujourd’hui
jurisdictions-instead = À la place
jurisdictions-lost = Ce qui est perdu
jurisdictions-lost-capability = capacité
jurisdictions-lost-context = contexte
jurisdictions-lost-language = langue
jurisdictions-lost-price = prix
jurisdictions-lost-tokens = jetons
jurisdictions-lost-unknown = inconnu
jurisdictions-others = Autres juridictions, que la politique permet : { $codes }
jurisdictions-at-worst = peut-être
jurisdictions-fate-dark = sans réponse
jurisdictions-fate-floor = socle local, dégradé
jurisdictions-fate-moves = change de lieu
jurisdictions-fate-unchanged = inchangé
jurisdictions-fate-refused = déjà refusé
jurisdictions-picture = En image
jurisdictions-picture-keep = Conserver l’image (SVG)
jurisdictions-cannot-tell = Ce que cela ne peut dire
jurisdictions-policy = Comparer une politique
jurisdictions-policy-lead = Collez les règles d’une politique pour voir ce qu’elle jugerait autrement que { $policy }, qui est en vigueur. Rien n’entre en vigueur avant que vous ne le disiez.
jurisdictions-policy-wanted = Collez d’abord les règles d’une politique.
jurisdictions-policy-wrong = Elle ne pourrait entrer en vigueur. Corrigez ceci, puis comparez de nouveau :
jurisdictions-policy-proved = La preuve n’y trouve rien de faux pour les destinations d’ici.
jurisdictions-policy-no-cases = Elle n’a pas de cas.
jurisdictions-policy-cases = { $good } cas sur { $all } sont décidés comme attendu.
jurisdictions-policy-differences = Différences
jurisdictions-policy-opens = Ouvrent une destination
jurisdictions-policy-closes = Ferment une destination
jurisdictions-policy-not-all = Ce n’est pas tout : les deux distinguent trop de combinaisons de faits.
jurisdictions-policy-change = Changement
jurisdictions-policy-where = Destinations
jurisdictions-policy-when = Quand
jurisdictions-policy-was = Avant
jurisdictions-policy-now = Deviendrait
jurisdictions-change-opens = ouvre
jurisdictions-change-closes = ferme
jurisdictions-change-terms = autres conditions
jurisdictions-change-reason = autre raison
jurisdictions-always = toujours
jurisdictions-permitted = permis
jurisdictions-refused = refusé
jurisdictions-masked = masqué : { $kinds }
jurisdictions-pseudonymised = pseudonymisé : { $kinds }
jurisdictions-answer-masked = masqué dans la réponse
jurisdictions-label = étiquette { $label }
jurisdictions-review = revu par une personne
jurisdictions-policy-from = Partir d’une politique fournie :
jurisdictions-policy-rules = Règles (Cedar)
jurisdictions-policy-settings = Réglages et cas (TOML), s’il y en a
jurisdictions-policy-compare = Comparer
jurisdictions-back = Retour aux juridictions
jurisdictions-countries = { $n ->
    [one] { $count } pays, en tableau
   *[other] { $count } pays, en tableau
}
jurisdictions-proved-over = { $n ->
    [one] Sur { $count } combinaison de faits : aucune classe plus haute, aucun signal, aucun contenu non lu n’ouvre de destination, et aucun remplaçant ne dépasse ce que la politique permet.
   *[other] Sur { $count } combinaisons de faits : aucune classe plus haute, aucun signal, aucun contenu non lu n’ouvre de destination, et aucun remplaçant ne dépasse ce que la politique permet.
}
jurisdictions-notes = { $n ->
    [one] { $count } remarque de la preuve
   *[other] { $count } remarques de la preuve
}
jurisdictions-policy-alike = { $n ->
    [one] Elle juge chaque requête comme celle en vigueur, pour { $count } destination.
   *[other] Elle juge chaque requête comme celle en vigueur, pour { $count } destinations.
}
# Putting one in force
jurisdictions-policy-call-it = Son nom ici
jurisdictions-policy-name-wanted = Donnez un nom à la politique : 1 à 48 lettres minuscules, chiffres et « - ».
jurisdictions-policy-use = Mettre ce texte en vigueur
policy-choice = Mettre en vigueur une politique fournie
policy-choice-which = Quelle politique
policy-choice-about-local = rien ne quitte cette machine
policy-choice-about-open = toute destination peut être interrogée ; pour essayer
policy-choice-about-kr-public-sector = organismes publics coréens : niveaux C, S et O
policy-choice-about-kr-enterprise = entreprises coréennes : les données personnelles restent en Corée, ou ne sortent que masquées et sur une base connue
policy-choice-about-eu-gdpr = organisations de l’Espace économique européen, sous le RGPD
policy-choice-about-vn-enterprise = entreprises vietnamiennes : les données personnelles restent au Viêt Nam, ou ne sortent que masquées et sur une base connue
policy-choice-home = Où vous êtes
policy-choice-home-unsaid = comme maintenant
policy-choice-use = Mettre en vigueur
