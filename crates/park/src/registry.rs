//! Which regions the process knows, and which environments are attached to them.

use crate::region::Region;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};

/// Why an environment could not be attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachError {
    /// Two different blocks of memory claim the same id.
    Mismatch,
}

/// Process-wide table of regions by their random id.
///
/// A region stays good while at least one environment is attached. The last one to leave takes it out, and
/// waits for turns under way.
///
/// ```
/// use millrace_park::Registry;
/// use std::ptr::NonNull;
/// let registry = Registry::default();
/// let mut memory = vec![0u8; 128];
/// let base = NonNull::new(memory.as_mut_ptr()).unwrap();
/// // SAFETY: `memory` outlives both attachments.
/// let region = unsafe { registry.attach(7, 1, base, 128) }.unwrap();
/// assert!(region.turn().is_some());
/// registry.detach(7, 1);
/// assert!(region.turn().is_none());
/// ```
#[derive(Debug, Default)]
pub struct Registry {
    regions: Mutex<HashMap<u64, Attachments>>,
}

#[derive(Debug)]
struct Attachments {
    region: Arc<Region>,
    /// Environment and how often it has attached.
    environments: HashMap<u64, u32>,
}

impl Registry {
    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Attachments>> {
        self.regions.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Attaches an environment to the region `id`; makes the region when this is the first.
    ///
    /// # Errors
    /// [`AttachError::Mismatch`] when the id is known with another address or length.
    ///
    /// # Safety
    /// The memory stays valid while `environment` is attached.
    pub unsafe fn attach(
        &self,
        id: u64,
        environment: u64,
        base: NonNull<u8>,
        length: usize,
    ) -> Result<Arc<Region>, AttachError> {
        let mut table = self.table();
        let attachments = match table.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Attachments {
                // SAFETY: passed on; the memory is good while anybody is attached, and `detach` ends the region with
                // the last.
                region: Arc::new(unsafe { Region::new(base, length) }),
                environments: HashMap::new(),
            }),
        };
        if attachments.region.address() != base.as_ptr() as usize || attachments.region.length() != length {
            return Err(AttachError::Mismatch);
        }
        *attachments.environments.entry(environment).or_insert(0) += 1;
        Ok(attachments.region.clone())
    }

    /// Takes back one attachment of `environment`. With the last one of all, waits for turns under way.
    pub fn detach(&self, id: u64, environment: u64) {
        let mut table = self.table();
        let Some(attachments) = table.get_mut(&id) else { return };
        if let Some(count) = attachments.environments.get_mut(&environment) {
            *count -= 1;
            if *count == 0 {
                attachments.environments.remove(&environment);
            }
        }
        if attachments.environments.is_empty() {
            let gone = table.remove(&id);
            drop(table);
            if let Some(gone) = gone {
                gone.region.leave_forever();
            }
        }
    }

    /// Takes back every attachment of an environment that ends.
    pub fn detach_environment(&self, environment: u64) {
        let mut gone = Vec::new();
        self.table().retain(|_, attachments| {
            attachments.environments.remove(&environment);
            let used = !attachments.environments.is_empty();
            if !used {
                gone.push(attachments.region.clone());
            }
            used
        });
        for region in gone {
            region.leave_forever();
        }
    }

    /// Regions known.
    pub fn len(&self) -> usize {
        self.table().len()
    }

    /// True when no region is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
