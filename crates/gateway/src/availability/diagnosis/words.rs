//! The words by which providers tell that something has been taken away, in six languages. Data; `spec/availability.md` says from
//! where they are, its cases hold each group.
//!
//! All in lower case, in Unicode's form NFKC. A word alone says little; two that stand close together say what happened to what.

use super::{Cause, Extent};

/// Two words belong together if no more bytes lie between them: a short sentence.
const NEAR_BYTES: usize = 96;

/// A word, or two that stand close together in either order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sign {
    Word(&'static str),
    Near(&'static str, &'static str),
}

/// How sure a group of words makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sure {
    /// One answer with them is enough.
    AtOnce,
    /// It takes three in a row.
    InARow,
}

/// Words that tell of one cause.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) cause: Cause,
    pub(super) sure: Sure,
    pub(super) extent: Extent,
    /// What the log says of it.
    pub(super) what: &'static str,
    /// Under which statuses they say so; empty: under all that words are read of.
    under: &'static [u16],
    pub(super) signs: &'static [Sign],
}

impl Group {
    pub(super) fn holds_under(&self, status: u16) -> bool {
        self.under.is_empty() || self.under.contains(&status)
    }
}

impl Sign {
    /// Whether it is in `text`, which is folded.
    pub(super) fn is_in(self, text: &str) -> bool {
        match self {
            Self::Word(word) => text.contains(word),
            Self::Near(one, other) => text.match_indices(one).any(|(at, _)| {
                let from = text.floor_char_boundary(at.saturating_sub(NEAR_BYTES));
                let to = text.ceil_char_boundary(at + one.len() + NEAR_BYTES);
                text.get(from..to).is_some_and(|around| around.contains(other))
            }),
        }
    }

    /// Whether it may be words of `asked`, a folded request, that were given back: one half of a pair is enough, for the other may
    /// stand beside it by the way. "Model" stands in every request, so that it says nothing of whose words they are.
    pub(super) fn may_be_from(self, asked: &str) -> bool {
        match self {
            Self::Word(word) => asked.contains(word),
            Self::Near(one, other) => {
                let is_everywhere = ABOUT_A_MODEL.iter().any(|sign| matches!(sign, Word(word) if *word == one));
                (!is_everywhere && asked.contains(one)) || asked.contains(other)
            }
        }
    }
}

use Sign::{Near, Word};

/// About an account that is shut: read before all else, for it may say that this is so because of what was asked.
pub(super) const SHUT: &[Sign] = &[
    Word("account_deactivated"),
    Word("account_suspended"),
    Word("consumer_suspended"),
    Word("organization_deactivated"),
    Word("organization_restricted"),
    Word("organization has been disabled"),
    Word("organization is disabled"),
    Near("account", "been suspended"),
    Near("account", "is suspended"),
    Near("account", "was suspended"),
    Near("account", "been deactivated"),
    Near("account", "is deactivated"),
    Near("account", "been disabled"),
    Near("account", "is disabled"),
    Near("account", "been terminated"),
    Near("account", "been closed"),
    Near("account", "been banned"),
    Near("account", "been blocked"),
    Near("organization", "been suspended"),
    Near("organization", "been deactivated"),
    Near("organization", "been restricted"),
    Near("consumer", "been suspended"),
    Near("project", "been suspended"),
    Near("project", "been archived"),
    Near("계정", "정지"),
    Near("계정", "비활성화"),
    Near("계정", "해지"),
    Word("이용이 정지"),
    Word("이용 정지된"),
    Near("アカウント", "停止"),
    Near("アカウント", "無効"),
    Near("アカウント", "凍結"),
    Near("compte", "suspendu"),
    Near("compte", "désactivé"),
    Near("compte", "résilié"),
    Near("tài khoản", "đình chỉ"),
    Near("tài khoản", "bị khóa"),
    Near("tài khoản", "vô hiệu hóa"),
    Near("账号", "封禁"),
    Near("账号", "停用"),
    Near("账号", "冻结"),
    Near("账户", "停用"),
    Near("账户", "冻结"),
    Near("帐户", "暂停"),
];

/// About what was asked: a filter, a policy on contents. Never a withdrawal, never asked elsewhere.
pub(super) const FILTERED: &[Sign] = &[
    Word("content_filter"),
    Word("content_policy"),
    Word("content policy"),
    Word("content management policy"),
    Word("contentfilter"),
    Word("responsibleaipolicyviolation"),
    Word("usage policy"),
    Word("usage policies"),
    Word("safety system"),
    Word("safety_violation"),
    Word("prohibited_content"),
    Word("prohibited content"),
    Word("content filtering policy"),
    Word("unavailable output"),
    Word("invalid_prompt"),
    Word("data_inspection_failed"),
    Word("content exists risk"),
    Word("moderation"),
    Near("prompt", "flagged"),
    Near("input", "flagged"),
    Near("request", "flagged"),
    Near("blocked", "safety"),
    Word("콘텐츠 필터"),
    Near("유해", "내용"),
    Word("부적절한 내용"),
    Near("コンテンツ", "フィルター"),
    Word("不適切な内容"),
    Word("filtre de contenu"),
    Word("contenu inapproprié"),
    Word("bộ lọc nội dung"),
    Word("nội dung không phù hợp"),
    Word("敏感内容"),
    Word("内容安全"),
    Word("违规内容"),
];

/// About money, where the status is 429.
pub(super) const UNPAID: &[Sign] = &[
    Word("insufficient_quota"),
    Word("billing_hard_limit_reached"),
    Word("billing_not_active"),
    Word("insufficient balance"),
    Word("insufficient_balance"),
    Word("insufficient credit"),
    Word("credit balance is too low"),
    Word("out of credits"),
    Word("arrearage"),
    Near("quota", "billing details"),
    Near("잔액", "부족"),
    Near("크레딧", "소진"),
    Near("残高", "不足"),
    Near("solde", "insuffisant"),
    Near("số dư", "không đủ"),
    Word("余额不足"),
    Near("账户", "欠费"),
];

/// What says that it is only for a while, whatever else is said of quotas.
pub(super) const FOR_A_WHILE: &[Sign] = &[
    Word("retrydelay"),
    Word("retryinfo"),
    Word("retry in "),
    Word("try again in "),
    Word("per minute"),
    Word("perminute"),
    Word("requests per day"),
    Word("perday"),
];

/// An error inside an answer that says no more than that there was too much to do.
pub(super) const OVERLOADED: &[Sign] = &[
    Word("overloaded"),
    Word("rate_limit"),
    Word("rate limit"),
    Word("too many requests"),
    Word("resource_exhausted"),
    Word("at capacity"),
    Word("engine_overloaded"),
];

/// What an error is about, where it does not say it by a code.
pub(super) const ABOUT_A_MODEL: &[Sign] = &[
    Word("model"),
    Word("deployment"),
    Word("no endpoints found"),
    Word("모델"),
    Word("モデル"),
    Word("modèle"),
    Word("mô hình"),
    Word("模型"),
];

/// The words of servers that do not know an address.
pub(super) const ABOUT_A_PATH: &[Sign] = &[
    Word("not found"),
    Word("not_found"),
    Word("unknown_url"),
    Word("invalid url"),
    Word("unknown path"),
    Word("unknown request url"),
    Word("no route"),
    Word("cannot post"),
];

/// Every group, in the order in which they are looked for: the first that is there counts.
pub(super) const WITHDRAWN: &[Group] = &[
    Group {
        cause: Cause::Legal,
        sure: Sure::AtOnce,
        extent: Extent::Destination,
        what: "it names a law or a sanction",
        under: &[],
        signs: &[
            Word("sanctioned"),
            Word("sanctions"),
            Word("export control"),
            Word("export_control"),
            Word("export restriction"),
            Word("embargo"),
            Word("unavailable for legal reasons"),
            Word("court order"),
            Word("executive order"),
            Word("government order"),
            Word("entity list"),
            Near("제재", "제한"),
            Near("제재", "국가"),
            Near("제재", "대상"),
            Word("수출 통제"),
            Word("수출통제"),
            Near("법적", "사유"),
            Near("법령", "제한"),
            Near("制裁", "対象"),
            Near("制裁", "国"),
            Word("輸出管理"),
            Word("輸出規制"),
            Word("法的な理由"),
            Word("法的理由"),
            Near("contrôle", "exportation"),
            Word("raisons légales"),
            Word("raisons juridiques"),
            Near("décision", "justice"),
            Word("lệnh trừng phạt"),
            Word("cấm vận"),
            Word("kiểm soát xuất khẩu"),
            Word("lý do pháp lý"),
            Word("出口管制"),
            Word("法律原因"),
            Word("禁运"),
        ],
    },
    Group {
        cause: Cause::Region,
        sure: Sure::AtOnce,
        extent: Extent::Destination,
        what: "it serves no one from this region",
        under: &[],
        signs: &[
            Word("unsupported_country"),
            Word("unsupported_region"),
            Word("country_not_supported"),
            Word("region_not_supported"),
            Near("country", "not supported"),
            Near("country", "not available"),
            Near("country", "not allowed"),
            Near("region", "not supported"),
            Near("region", "unsupported"),
            Near("region", "not available"),
            Near("region", "not allowed"),
            Near("location", "not supported"),
            Near("territory", "not supported"),
            Near("unsupported", "countries"),
            Near("banned", "country or region"),
            Word("geo-restricted"),
            Word("geographic restriction"),
            Word("error code: 1009"),
            Near("국가", "지원되지 않"),
            Near("국가", "지원하지 않"),
            Near("국가", "이용할 수 없"),
            Near("국가", "차단"),
            Near("지역", "지원되지 않"),
            Near("지역", "지원하지 않"),
            Near("지역", "이용할 수 없"),
            Near("지역", "사용할 수 없"),
            Near("해외", "차단"),
            Near("地域", "利用できません"),
            Near("地域", "サポートされていません"),
            Near("国", "サポートされていません"),
            Near("国", "利用できません"),
            Near("région", "pas disponible"),
            Near("région", "pas prise en charge"),
            Near("pays", "pas disponible"),
            Near("pays", "pas pris en charge"),
            Near("khu vực", "không được hỗ trợ"),
            Near("khu vực", "không khả dụng"),
            Near("quốc gia", "không được hỗ trợ"),
            Near("quốc gia", "không khả dụng"),
            Near("地区", "不支持"),
            Near("地区", "不可用"),
            Near("国家", "不支持"),
            Near("地區", "不支援"),
        ],
    },
    Group {
        cause: Cause::Account,
        sure: Sure::AtOnce,
        extent: Extent::Destination,
        what: "the account is shut",
        under: &[],
        signs: SHUT,
    },
    Group {
        cause: Cause::Contract,
        sure: Sure::AtOnce,
        extent: Extent::Destination,
        what: "the contract has ended",
        under: &[],
        signs: &[
            Word("subscription_expired"),
            Word("contract_expired"),
            Near("contract", "expired"),
            Near("contract", "terminated"),
            Near("contract", "has ended"),
            Near("agreement", "terminated"),
            Near("agreement", "expired"),
            Near("subscription", "expired"),
            Near("subscription", "cancelled"),
            Near("subscription", "canceled"),
            Near("subscription", "has ended"),
            Near("계약", "만료"),
            Near("계약", "종료"),
            Near("계약", "해지"),
            Near("구독", "만료"),
            Near("契約", "終了"),
            Near("契約", "解除"),
            Near("契約", "満了"),
            Near("contrat", "expiré"),
            Near("contrat", "résilié"),
            Near("abonnement", "expiré"),
            Near("hợp đồng", "hết hạn"),
            Near("hợp đồng", "chấm dứt"),
            Near("合同", "到期"),
            Near("合同", "终止"),
            Near("订阅", "过期"),
        ],
    },
    Group {
        cause: Cause::Model,
        sure: Sure::AtOnce,
        extent: Extent::Model,
        what: "the model has been retired",
        under: &[],
        signs: &[
            Word("model_decommissioned"),
            Word("model_retired"),
            Word("model_deprecated"),
            Word("servicemodeldeprecated"),
            Word("deploymentmodeldeprecated"),
            Word("model fade out"),
            Near("model", "decommissioned"),
            Near("model", "been retired"),
            Near("model", "is retired"),
            Near("model", "been discontinued"),
            Near("model", "end of life"),
            Near("model", "end-of-life"),
            Near("model", "been sunset"),
            Near("model", "been shut down"),
            Near("모델", "서비스가 종료"),
            Near("모델", "제공이 종료"),
            Near("모델", "지원이 종료"),
            Near("모델", "지원 종료"),
            Near("モデル", "廃止"),
            Near("モデル", "提供を終了"),
            Near("モデル", "提供終了"),
            Near("modèle", "a été retiré"),
            Near("modèle", "n'est plus disponible"),
            Near("mô hình", "ngừng hoạt động"),
            Near("mô hình", "ngừng cung cấp"),
            Near("模型", "已下线"),
            Near("模型", "停止服务"),
            Near("模型", "已停用"),
        ],
    },
    Group {
        // Of a 400 these may be about a setting of the request: "`x` is no longer supported for this model".
        cause: Cause::Model,
        sure: Sure::AtOnce,
        extent: Extent::Model,
        what: "the model has been retired",
        under: &[403, 404, 410],
        signs: &[
            Near("model", "been deprecated"),
            Near("model", "no longer available"),
            Near("model", "no longer supported"),
            Near("model", "no longer exists"),
            Near("model", "no longer served"),
            Near("모델", "더 이상"),
            Near("モデル", "サポートされなくなりました"),
            Near("mô hình", "không còn"),
            Near("模型", "不再"),
        ],
    },
    Group {
        cause: Cause::Model,
        sure: Sure::InARow,
        extent: Extent::Model,
        what: "it does not have the model",
        under: &[200, 400, 403, 404, 422],
        signs: &[
            Word("model_not_found"),
            Word("deploymentnotfound"),
            Word("model_not_available"),
            Word("model not exist"),
            Word("not a valid model id"),
            Near("invalid model", "name"),
            Word("invalid model:"),
            Word("invalid_model"),
            Near("model", "does not exist"),
            Near("model", "not found"),
            Near("모델", "존재하지 않"),
            Near("모델", "찾을 수 없"),
            Near("モデル", "存在しません"),
            Near("モデル", "見つかりません"),
            Near("modèle", "n'existe pas"),
            Near("modèle", "introuvable"),
            Near("mô hình", "không tồn tại"),
            Near("mô hình", "không tìm thấy"),
            Near("模型", "不存在"),
        ],
    },
    Group {
        cause: Cause::Account,
        sure: Sure::InARow,
        extent: Extent::Destination,
        what: "the account has no money left",
        under: &[400, 402, 403],
        signs: &[
            Word("insufficient_quota"),
            Word("insufficient balance"),
            Word("insufficient_balance"),
            Word("insufficient credit"),
            Word("credit balance is too low"),
            Word("billing_not_active"),
            Word("billing_disabled"),
            Near("billing", "be enabled"),
            Word("arrearage"),
            Near("잔액", "부족"),
            Near("残高", "不足"),
            Near("solde", "insuffisant"),
            Near("số dư", "không đủ"),
            Word("余额不足"),
        ],
    },
    Group {
        cause: Cause::Credentials,
        sure: Sure::InARow,
        extent: Extent::Destination,
        what: "it refused the gateway's key",
        under: &[400, 403, 404],
        signs: &[
            Word("invalid_api_key"),
            Word("api_key_invalid"),
            Word("api key not valid"),
            Word("api key expired"),
            Word("invalid api key"),
            Word("incorrect api key"),
            Near("api key", "revoked"),
            Near("api key", "disabled"),
            Near("api 키", "유효하지 않"),
            Near("apiキー", "無効"),
            Near("clé api", "invalide"),
            Near("khóa api", "không hợp lệ"),
            Near("api key", "无效"),
        ],
    },
];
