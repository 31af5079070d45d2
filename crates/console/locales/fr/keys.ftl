# Teams and keys.
keys-title = Équipes et clés
keys-lead = Qui peut appeler la porte, et pour quelle équipe. Chaque changement est une entrée du journal d’audit.
keys-none = Il n’y a pas encore de clé.
keys-none-in-force = Aucune clé de cette équipe n’est en vigueur.
keys-of-team = Équipe { $team }
keys-registered = tel que la configuration enregistre l’équipe
keys-not-registered = La configuration n’enregistre rien pour cette équipe.
keys-name = Nom
keys-id = Identifiant
keys-team = Équipe
keys-class = Classe
keys-class-least = Classe minimale de ses données
keys-class-none = non précisée
keys-continuity = Réponses interrompues
keys-continuity-broken = Réponses qui s’interrompent
keys-continuity-error = finissent en erreur
keys-continuity-splice = continuent ailleurs
keys-continuity-none = selon la route
keys-purpose = Finalité
keys-use-area = Domaine d’usage
keys-high-impact = fort impact
keys-made-at = Créée
keys-last-used = Dernière utilisation
keys-requests = Requêtes
keys-requests-count = { $n ->
    [one] { $count } requête
   *[other] { $count } requêtes
}
keys-never = jamais
keys-uses-unknown = On ne sait pas quand les clés ont servi : cela se lit dans le journal d’audit, qui est désactivé.
keys-revoked-at = Révoquée
keys-revoked-count = { $n ->
    [one] { $count } clé révoquée
   *[other] { $count } clés révoquées
}
keys-do = Ce que l’on peut faire
keys-replace = Remplacer
keys-revoke = Révoquer
keys-replace-this = Remplacer la clé { $name }
keys-revoke-this = Révoquer la clé { $name }
keys-replace-what = Une nouvelle clé du même nom, de la même équipe et de la même classe prend sa place et n’est montrée qu’une fois. L’ancienne est refusée en moins d’une seconde : ce qui l’utilise encore s’arrête jusqu’à recevoir la nouvelle.
keys-revoke-what = Elle est refusée en moins d’une seconde, définitivement. Ce qui l’utilise encore s’arrête.
keys-replace-yes = La remplacer
keys-revoke-yes = La révoquer
keys-leave-it = La laisser telle quelle
keys-new = Une nouvelle clé
keys-new-what = Une requête a la plus haute classe parmi : celles de sa clé, de son équipe et de sa route, celle qu’elle déclare et celle de ce que l’on y trouve.
keys-create = Créer la clé
keys-made = La clé { $name } est créée
keys-replaced = La clé { $name } est remplacée
keys-replaced-old = L’ancienne n’est plus acceptée.
keys-made-once = Elle n’est montrée que maintenant et n’est conservée nulle part. Transmettez-la par une voie sûre. Elle est acceptée en moins d’une seconde.
keys-copy = Copier
keys-how-to-use = Comment l’utiliser
keys-name-wanted = Donnez un nom à la clé.
keys-team-wanted = Donnez une équipe : ce que la clé demande compte comme le sien.
keys-bad-name = « { $name } » ne peut pas être le nom d’une clé : prenez 1 à 64 caractères.
keys-bad-team = « { $team } » ne peut pas être le nom d’une équipe : prenez 1 à 64 caractères.
keys-name-taken = Une clé « { $name } » est en vigueur : choisissez un autre nom, ou remplacez ou révoquez celle-là.
keys-too-many = Vous avez déjà { $most } clés à vous : révoquez-en une d’abord.
keys-own-of = créée par { $account } pour son propre usage
keys-not-found = Aucune clé « { $name } » n’est en vigueur : elle a été révoquée ou remplacée entre-temps.
