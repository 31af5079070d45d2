# The overview.
overview-title = 개요
overview-in-flight = 지금 처리 중
overview-ready = 답하는 목적지
overview-of = { $whole }곳 중 { $part }곳
overview-entries = 감사 로그의 기록
