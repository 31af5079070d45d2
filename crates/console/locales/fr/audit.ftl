# The screen `audit`.
audit-title = Audit du journal
audit-lead = Le journal des requêtes et des changements : un arbre d’entrées auquel on ne fait qu’ajouter et dont la tête est signée. Rien n’est à croire sur parole ; tout peut être recalculé.
audit-head = Dernier point de contrôle
audit-origin = Journal
audit-size = Entrées
audit-root = Racine
audit-signed-at = Signé le
audit-signatures = Signatures du journal
audit-witnesses = Témoins
audit-witnesses-none = Aucun témoin n’a encore cosigné ce journal. Grâce aux témoins, même le détenteur de la clé ne peut montrer des histoires différentes à des personnes différentes.
audit-witness = Témoin
audit-algorithm = Algorithme
audit-when = Date
audit-verify = Vérifier dans ce navigateur
audit-verify-lead = Votre navigateur récupère le point de contrôle et les empreintes, puis calcule lui-même s’ils concordent. La clé vient aussi de ce serveur : comparez-la à celle reçue par une autre voie.
audit-verify-limits = Les navigateurs ne savent vérifier ni la signature post-quantique (ML-DSA-44), ni la forme de chaque entrée. Cette commande le fait sur une copie du journal :
audit-verify-script = Cette partie requiert JavaScript. La commande ci-dessus s’en passe.
audit-verify-entry = Avec la preuve de l’entrée
audit-verify-button = Vérifier
audit-runs = Vérification en cours…
audit-holds = exact
audit-fails = inexact
audit-not-done = non effectué
audit-all-hold = Tout ce qui a été vérifié est exact.
audit-some-fail = Quelque chose est inexact. Conservez cette page et prévenez le responsable du journal.
audit-in-part = Ce qui a été vérifié est exact ; tout n’a pas pu être vérifié ici.
audit-step-checkpoint = Le point de contrôle est lisible
audit-step-key = La clé du journal est bien celle annoncée
audit-step-signature = La signature Ed25519 est de cette clé
audit-step-root = Toutes les feuilles donnent la racine signée
audit-step-proof = L’entrée choisie mène à la racine
audit-step-witness = Ce que les témoins ont cosigné est le début de ce journal
audit-one = Une entrée
audit-open = Afficher
audit-changes = Ce qui a été changé
audit-changes-lead = Ce que les opérateurs ont fait, les démarrages et arrêts de la porte, et ce qui a été effacé.
audit-changes-none = Aucune entrée ne correspond.
audit-action = Fait
audit-subject = À quoi
audit-by = Par qui
audit-detail = Précisions
audit-entry-title = Entrée
audit-entry-lead = Telle que le journal la conserve : les octets dont l’empreinte est calculée.
audit-leaf = Empreinte de la feuille
audit-proof-file = Télécharger sa preuve
audit-before = Entrée précédente
audit-after = Entrée suivante
audit-proof-check = Chacun peut vérifier la preuve, sur n’importe quelle machine, avec
audit-waiting = { $n ->
    [one] une de plus attend la prochaine signature
   *[other] { $count } de plus attendent la prochaine signature
}
audit-cosigned = { $n ->
    [one] Ils ont cosigné la première entrée.
   *[other] Ils ont cosigné les { $count } premières entrées.
}
