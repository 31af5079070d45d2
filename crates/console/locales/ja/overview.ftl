# The overview.
overview-title = 概要
overview-in-flight = 処理中
overview-ready = 応答する送信先
overview-of = { $whole } か所中 { $part } か所
overview-entries = 監査ログの記録数
