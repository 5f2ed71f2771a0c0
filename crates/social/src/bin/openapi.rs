//! Prints the OpenAPI document of the owner API, for `cargo xtask generate`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    print!("{}", tidings_social::openapi::document()?);
    Ok(())
}
