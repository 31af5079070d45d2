# The overview.
overview-title = Vue d’ensemble
overview-in-flight = En cours maintenant
overview-ready = Destinations qui répondent
overview-of = { $part } sur { $whole }
overview-entries = Entrées du journal d’audit
