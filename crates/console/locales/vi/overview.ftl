# The overview.
overview-title = Tổng quan
overview-in-flight = Đang xử lý
overview-ready = Đích đang trả lời
overview-of = { $part } trên { $whole }
overview-entries = Bản ghi trong nhật ký kiểm toán
