//! `/api/certificate`: moving the deployment, and giving it another key.

use crate::context::Context;
use tidings_api_http::world::now_ms;
use tidings_api_http::{Failure, Reply};
use tidings_social::Account;
use tidings_social::api::{CertificateChange, CertificateStatus};
use tidings_social::certificates;

/// `GET /api/certificate`.
pub async fn show(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, _) = context.owner().await?;
    Ok(Reply::json(200, &status(context, &owner.account)))
}

/// `PUT /api/certificate`. Friends are told once the reply is out.
pub async fn change(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let change: CertificateChange = context.request.json()?;
    let installed =
        certificates::install(&view, &owner.account, change, &context.origin.address, now_ms()).await?;
    let (account, batch) = installed;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::json(200, &status(context, &account)).then_refresh())
}

fn status(context: &Context<'_>, account: &Account) -> CertificateStatus {
    CertificateStatus {
        certificate: account.certificate().clone(),
        signing_again: account.has_to_sign_again(),
        at_its_address: *account.address() == context.origin.address,
    }
}
