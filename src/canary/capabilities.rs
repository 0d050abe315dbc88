//! What a router can do.

/// Plain data that a traffic provider declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Weights.
    pub weighted: bool,
    /// Copies of the traffic.
    pub mirror: bool,
    /// Conditions on requests.
    pub matches: bool,
    /// Cookies.
    pub session_affinity: bool,
}
impl Capabilities {
    /// Nothing at all.
    pub const NONE: Self = Self {
        weighted: false,
        mirror: false,
        matches: false,
        session_affinity: false,
    };
}
