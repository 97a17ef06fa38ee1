//! Validating a `.ling` file before anything of it runs.
use super::Module;
use crate::error::LoadError;
/// Validates.
pub fn module(_module: &Module<'_>) -> Result<(), LoadError> {
    Ok(())
}
