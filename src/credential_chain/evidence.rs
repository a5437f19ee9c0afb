//! An outcome in the words of a credential report.

use keyless_state::{Shadow, Winner};

use super::outcome::{Kind, Outcome};

impl Outcome {
    /// Which credential wins. A request with a static key in any header is one of that key, whatever
    /// else it carries: which of two credentials the API honors is not documented.
    pub fn winner(&self) -> Winner {
        let carries = |kinds: &[Kind]| self.headers.iter().any(|carried| kinds.contains(&carried.kind));
        let token_variable = |carried: &super::Carried| {
            carried.kind == Kind::Unknown && carried.origin.name.ends_with("ANTHROPIC_AUTH_TOKEN")
        };
        let unknown_key =
            self.headers.iter().any(|carried| carried.kind == Kind::Unknown && !token_variable(carried));
        if carries(&[Kind::ApiKey, Kind::AdminKey]) || unknown_key {
            Winner::ApiKey
        } else if carries(&[Kind::OauthToken]) || self.headers.iter().any(token_variable) {
            Winner::AuthToken
        } else if carries(&[Kind::FederatedToken]) {
            Winner::Federation
        } else {
            Winner::Nothing
        }
    }

    /// Whether the client ends on federation and on nothing else.
    pub fn federates(&self) -> bool {
        self.winner() == Winner::Federation
    }

    /// Where the winning credential comes from, such as `ANTHROPIC_API_KEY`; empty for none.
    pub fn winner_source(&self) -> String {
        let winner = self.winner();
        let stands_for_it = |kind: Kind| (kind == Kind::FederatedToken) == (winner == Winner::Federation);
        let carried = self.headers.iter().find(|carried| stands_for_it(carried.kind));
        carried
            .filter(|_| winner != Winner::Nothing)
            .map(|carried| carried.origin.to_string())
            .unwrap_or_default()
    }

    /// The rule that an exchange names, where there is one.
    pub fn rule_id(&self) -> Option<String> {
        let exchange = self.exchange.as_ref()?;
        Some(exchange.federation_rule_id.clone()).filter(|rule| !rule.is_empty())
    }

    /// What stands in federation's way, in the form of a credential report; nothing once it wins.
    pub fn shadows(&self) -> Vec<Shadow> {
        if self.federates() {
            return Vec::new();
        }
        let shadow = |remedy: &super::Remedy| Shadow {
            name: remedy.name.clone(),
            place: remedy.place.clone(),
            fix: remedy.fix.clone(),
        };
        let stand_in_the_way = self.remedies.iter().filter(|remedy| remedy.stands_in_the_way());
        stand_in_the_way.map(shadow).collect()
    }
}

impl super::Remedy {
    /// Whether this is about a static credential, not about how federation itself is set up.
    pub fn stands_in_the_way(&self) -> bool {
        matches!(self.trap, "T1" | "T2" | "T3" | "T4" | "T5" | "T6" | "T7" | "T8" | "T9" | "T10" | "T11")
    }
}
