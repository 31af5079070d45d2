# The frame of every page.
skip-to-content = Aller au contenu
nav = Écrans
nav-gate = La porte
nav-use = Usage
nav-evidence = Preuves
nav-overview = Vue d’ensemble
nav-cut-off = Tableau des coupures
nav-jurisdictions = Juridictions
nav-models = Modèles
nav-routes = Routes
nav-guard = Banc d’essai
nav-keys = Équipes et clés
nav-requests = Requêtes
nav-audit = Audit
nav-chat = Conversation
nav-set-up = Mise en place
nav-accounts = Comptes
language = Langue
language-change = Changer
sign-out = Se déconnecter
banner-withdrawn = { $n ->
    [one] { $count } retrait en cours
   *[other] { $count } retraits en cours
}
banner-withdrawn-what = Rien n’y est envoyé. Là où un remplaçant est prévu et permis, il répond à la place.
banner-drill = Exercice, retiré à tous :
banner-drill-until = au plus tard jusqu’au
yes = oui
no = non
role-owner = propriétaire
role-officer = responsable
role-operator = opérateur
role-auditor = auditeur
role-user = utilisateur
refused-title = Cela n’a pas été fait
refused-title-not-found = Il n’y a rien ici
refused-back = Revenir au début
refused-not-permitted = Votre rôle ne le permet pas. Le propriétaire de cette porte peut changer votre rôle.
refused-not-ours = Cela ne venait pas d’une page de cette console et n’a donc pas été fait. Rechargez la page et réessayez.
refused-not-found = Aucune page n’a cette adresse.
refused-unreadable = Ce qui a été envoyé est illisible. Rechargez la page et réessayez.
refused-too-long = Ce qui a été envoyé est trop long. Envoyez-en moins.
refused-not-so = Cette adresse existe, mais ne s’ouvre pas ainsi. Revenez en arrière et passez par là.
refused-too-many = Trop de demandes à la fois. Réessayez dans quelques secondes.
refused-ours = Quelque chose est en panne de notre côté. Le journal de la porte dit quoi ; prévenez l’exploitant.
refused-busy = Trop de pages suivent en même temps. Fermez-en quelques-unes.
nav-first-steps = Premiers pas
nav-destinations = Destinations
configuring-read-only = La configuration est { $file }, nommée sur la ligne de commande : elle est montrée ici et se modifie là-bas.
configuring-mistakes = Rien n’a été modifié. Corrigez ceci et renvoyez :
configuring-not-toml = Le fichier de configuration est illisible en l’état, rien n’a donc été modifié. « gwanmun check » dit où est l’erreur.
configuring-unrecorded = La modification est écrite, mais le journal d’audit ne l’a pas prise : elle entre en vigueur quand il l’aura.
configuring-ended = La passerelle s’arrête, rien n’a donc été modifié.
configuring-disk = Rien n’a été modifié : { $why }.
asking-by = Réponse de { $destination }
asking-degraded = dégradé
asking-entry = entrée { $entry } du journal d’audit
nav-menu = Menu
times-in = Heures : { $zone }
unfollowed = Cette page n’est plus suivie en direct : ce qu’elle montre a pu changer.
unfollowed-reload = La recharger
class-open = ouverte
class-sensitive = sensible
class-classified = classifiée
span-ms = { $value } ms
span-s = { $value } s
span-min = { $value } min
span-h = { $value } h
span-days = { $n ->
    [one] { $count } jour
   *[other] { $count } jours
}
others-not-known = le reste inconnu
not-known = inconnu
