//! [`Xenstore`]: the operations, as futures.

use super::client::{Channel, Client};
use super::error::{Error, Refusal};
use super::ring::StoreRing;
use super::wire::{Kind, PATH_MAX};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};

/// How often a transaction is tried that meets others.
const TRANSACTION_TRIES: u32 = 50;
/// Pieces of a long list that are asked for before it counts as endless.
const DIRECTORY_PIECES: u32 = 256;

/// A connection to xenstored, or a transaction on one. Clones are the same connection.
///
/// A path is absolute, or relative to this domain's own directory: `device/vif`.
#[derive(Clone)]
pub struct Xenstore {
    client: Rc<RefCell<Client>>,
    /// Number of the transaction, 0 outside of any.
    transaction: u32,
}

/// A transaction on a connection: what is written through it becomes visible at once, or not at all.
pub type Transaction = Xenstore;

impl Xenstore {
    /// Takes over `ring`. Nothing is said to xenstored yet.
    pub fn new(ring: StoreRing, channel: Box<dyn Channel>) -> Self {
        Self {
            client: Rc::new(RefCell::new(Client::new(ring, channel))),
            transaction: 0,
        }
    }

    /// Sends what was asked for and takes what came, without waiting; whether that was anything. A hypercall if so.
    pub fn poll(&self) -> bool {
        self.client.borrow_mut().poll()
    }

    /// Whether there is something to do now: who sleeps would sleep over it.
    pub fn has_work(&self) -> bool {
        self.client.borrow().has_work()
    }

    /// Makes every task look again for what it waits for: something else than xenstore has changed.
    pub fn stir(&self) {
        self.client.borrow_mut().stirred = true;
    }

    /// Nanoseconds of the clock that deadlines are on.
    pub fn now(&self) -> u64 {
        self.client.borrow().now()
    }

    pub(super) fn client(&self) -> &RefCell<Client> {
        &self.client
    }

    /// The value at `path`.
    pub async fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.ask_about(Kind::Read, path)?.await
    }

    /// The value at `path`, which must be text.
    pub async fn read_text(&self, path: &str) -> Result<String, Error> {
        String::from_utf8(self.read(path).await?).map_err(|_| Error::Malformed("it is no text"))
    }

    /// The values at all these paths, asked for at once: as long as one of them takes.
    pub async fn read_each<P: AsRef<str>>(&self, paths: &[P]) -> Vec<Result<Vec<u8>, Error>> {
        let replies: Vec<_> = paths
            .iter()
            .map(|path| self.ask_about(Kind::Read, path.as_ref()))
            .collect();
        let mut values = Vec::with_capacity(replies.len());
        for reply in replies {
            values.push(match reply {
                Ok(reply) => reply.await,
                Err(error) => Err(error),
            });
        }
        values
    }

    /// Names of the nodes below `path`.
    pub async fn directory(&self, path: &str) -> Result<Vec<String>, Error> {
        let names = match self.ask_about(Kind::Directory, path)?.await {
            Err(Error::Refused(Refusal::E2BIG)) => self.long_directory(path).await?,
            result => result?,
        };
        strings(&names)
    }

    /// A list that does not fit into one reply: in pieces, from the start if it changes meanwhile.
    async fn long_directory(&self, path: &str) -> Result<Vec<u8>, Error> {
        let mut names = Vec::new();
        let mut generation = Vec::new();
        for _ in 0..DIRECTORY_PIECES {
            check_path(path)?;
            let offset = names.len().to_string();
            let parts = [path.as_bytes(), b"\0", offset.as_bytes(), b"\0"];
            let reply = self.submit(Kind::DirectoryPart, &parts)?.await?;
            let end = reply.iter().position(|&byte| byte == 0);
            let end = end.ok_or(Error::Malformed("a piece of a list without its generation"))?;
            let (new_generation, piece) = (&reply[..end], &reply[end + 1..]);
            if !names.is_empty() && generation != new_generation {
                names.clear();
                continue;
            }
            generation = new_generation.to_vec();
            // The last piece ends with an empty name.
            match piece.strip_suffix(b"\0\0") {
                _ if piece == b"\0" => return Ok(names),
                Some(_) => {
                    names.extend_from_slice(&piece[..piece.len() - 1]);
                    return Ok(names);
                }
                None if piece.is_empty() => {
                    return Err(Error::Malformed("an empty piece of a list"));
                }
                None => names.extend_from_slice(piece),
            }
        }
        Err(Error::Malformed("a list without an end"))
    }

    /// Sets the value at `path`, making what is missing on the way.
    pub async fn write(&self, path: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.change(Kind::Write, path, value.as_ref())?
            .await
            .map(drop)
    }

    /// Sets all these values, sent at once; the first error, if there is one, but all are tried.
    pub async fn write_each<P, V>(&self, values: &[(P, V)]) -> Result<(), Error>
    where
        P: AsRef<str>,
        V: AsRef<[u8]>,
    {
        let replies: Vec<_> = values
            .iter()
            .map(|(path, value)| self.change(Kind::Write, path.as_ref(), value.as_ref()))
            .collect();
        let mut result = Ok(());
        for reply in replies {
            let written = match reply {
                Ok(reply) => reply.await.map(drop),
                Err(error) => Err(error),
            };
            result = result.and(written);
        }
        result
    }

    /// Makes a node without a value, if there is none.
    pub async fn mkdir(&self, path: &str) -> Result<(), Error> {
        self.ask_about(Kind::Mkdir, path)?.await.map(drop)
    }

    /// Removes a node and all below it; an error if there is none.
    pub async fn rm(&self, path: &str) -> Result<(), Error> {
        self.ask_about(Kind::Rm, path)?.await.map(drop)
    }

    /// Who may do what with a node: a letter (`n`, `r`, `w`, `b`) and a domain each; the first is the owner, and what all others may.
    pub async fn get_permissions(&self, path: &str) -> Result<Vec<String>, Error> {
        strings(&self.ask_about(Kind::GetPerms, path)?.await?)
    }

    /// Sets what [`Xenstore::get_permissions`] gives.
    pub async fn set_permissions(&self, path: &str, permissions: &[&str]) -> Result<(), Error> {
        check_path(path)?;
        let mut parts: Vec<&[u8]> = Vec::from([path.as_bytes(), b"\0"]);
        for permission in permissions {
            parts.extend([permission.as_bytes(), b"\0"]);
        }
        self.submit(Kind::SetPerms, &parts)?.await.map(drop)
    }

    /// Does `body` in a transaction, again if it met another one. What it wrote is visible when this succeeds, and
    /// none of it when it fails.
    pub async fn transaction<R>(
        &self,
        body: impl AsyncFn(&Transaction) -> Result<R, Error>,
    ) -> Result<R, Error> {
        for _ in 0..TRANSACTION_TRIES {
            let id = self.submit(Kind::TransactionStart, &[b"\0"])?.await?;
            let id = number(&id).and_then(|id| u32::try_from(id).ok());
            let id = id.filter(|&id| id != 0);
            let transaction = Transaction {
                client: self.client.clone(),
                transaction: id.ok_or(Error::Malformed("a transaction without a number"))?,
            };
            // Ends the transaction without effect if this future, or the body, is given up.
            let mut open = OpenTransaction(Some(&transaction));
            let result = body(&transaction).await?;
            open.0 = None;
            match transaction.submit(Kind::TransactionEnd, &[b"T\0"])?.await {
                Ok(_) => return Ok(result),
                Err(Error::Refused(Refusal::EAGAIN)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Refusal::EAGAIN.into())
    }

    /// Watches `path` and all below it. Does not wait: a path that cannot be watched is a watch that never fires, with a line in
    /// the log by who awaits [`Watch::registered`].
    pub fn watch(&self, path: &str) -> Result<Watch, Error> {
        check_path(path)?;
        let place = self.client.borrow_mut().new_watch();
        let mut watch = Watch {
            store: Xenstore {
                client: self.client.clone(),
                transaction: 0,
            },
            path: path.to_string(),
            place,
            registration: None,
        };
        let reply = watch.request(Kind::Watch)?;
        watch.registration = Some(reply);
        Ok(watch)
    }

    /// Ends after `duration` nanoseconds.
    pub async fn sleep(&self, duration: u64) {
        let deadline = self.now().saturating_add(duration);
        poll_fn(|_| self.is_past(deadline)).await;
    }

    /// Does `work`, for at most `duration` nanoseconds.
    pub async fn within<R>(
        &self,
        duration: u64,
        work: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        let deadline = self.now().saturating_add(duration);
        let mut work = pin!(work);
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => self.is_past(deadline).map(|()| Err(Error::TimedOut)),
        })
        .await
    }

    fn is_past(&self, deadline: u64) -> Poll<()> {
        let mut client = self.client.borrow_mut();
        if client.now() >= deadline {
            return Poll::Ready(());
        }
        client.note_deadline(deadline);
        Poll::Pending
    }

    /// Does `work` and nothing else, for at most `duration` nanoseconds: sleeps until xenstored answers. For who has nothing to do
    /// meanwhile; tasks go on later. Hypercalls.
    pub fn wait_for<R>(
        &self,
        duration: u64,
        work: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        let mut work = pin!(self.within(duration, work));
        let tasks_deadline = self.client.borrow_mut().next_deadline.take();
        let mut context = Context::from_waker(Waker::noop());
        let result = loop {
            if let Poll::Ready(result) = work.as_mut().poll(&mut context) {
                break result;
            }
            let mut client = self.client.borrow_mut();
            client.poll();
            let deadline = client.next_deadline.take();
            // `within` has noted one.
            client.wait(deadline.unwrap_or(0));
            client.poll();
        };
        let mut client = self.client.borrow_mut();
        // The notifications of what was taken here do not call for anything later.
        client.forget_notifications();
        client.poll();
        client.next_deadline = tasks_deadline;
        // What came for tasks meanwhile was not looked at.
        client.stirred = true;
        drop(client);
        result
    }

    fn ask_about(&self, kind: Kind, path: &str) -> Result<Reply, Error> {
        check_path(path)?;
        self.submit(kind, &[path.as_bytes(), b"\0"])
    }

    fn change(&self, kind: Kind, path: &str, value: &[u8]) -> Result<Reply, Error> {
        check_path(path)?;
        self.submit(kind, &[path.as_bytes(), b"\0", value])
    }

    fn submit(&self, kind: Kind, parts: &[&[u8]]) -> Result<Reply, Error> {
        let mut client = self.client.borrow_mut();
        let id = client.submit(kind, self.transaction, parts)?;
        Ok(Reply {
            client: self.client.clone(),
            id,
            taken: false,
        })
    }
}

fn check_path(path: &str) -> Result<(), Error> {
    if path.is_empty() || path.contains('\0') {
        return Err(Error::Unsendable("an empty path, or one with a zero"));
    }
    if path.len() > PATH_MAX {
        return Err(Error::Unsendable("a path of more than 3072 bytes"));
    }
    Ok(())
}

/// Strings that end with zeroes.
fn strings(bytes: &[u8]) -> Result<Vec<String>, Error> {
    let names = core::str::from_utf8(bytes).map_err(|_| Error::Malformed("names are no text"))?;
    let names = names.split_terminator('\0').filter(|name| !name.is_empty());
    Ok(names.map(String::from).collect())
}

/// A number in decimal digits, as values of xenstore have them; a zero byte may follow.
pub fn number(value: &[u8]) -> Option<u64> {
    let text = value.strip_suffix(b"\0").unwrap_or(value);
    core::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// Waits for the reply to one request.
struct Reply {
    client: Rc<RefCell<Client>>,
    id: u32,
    taken: bool,
}

impl Future for Reply {
    type Output = Result<Vec<u8>, Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let reply = self.client.borrow_mut().take_reply(self.id);
        match reply {
            Some(result) => {
                self.taken = true;
                Poll::Ready(result)
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.taken {
            self.client.borrow_mut().abandon(self.id);
        }
    }
}

/// Ends a transaction without effect, unless it was ended.
struct OpenTransaction<'a>(Option<&'a Transaction>);

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        if let Some(transaction) = self.0 {
            // Nobody waits for the answer; on a broken connection there is nothing to end.
            drop(transaction.submit(Kind::TransactionEnd, &[b"F\0"]));
        }
    }
}

/// A part of the tree that is watched until this is dropped.
///
/// It fires once when the watch begins, then when something changes, and now and then for no reason: who is told must look.
pub struct Watch {
    store: Xenstore,
    path: String,
    place: usize,
    registration: Option<Reply>,
}

impl Watch {
    /// Ends when something may have changed since this ended last.
    pub async fn changed(&mut self) {
        poll_fn(|_| match self.has_changed() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Whether something may have changed since this, or [`Watch::changed`], said so last.
    pub fn has_changed(&mut self) -> bool {
        self.store.client.borrow_mut().take_fired(self.place)
    }

    /// What xenstored said to the watch; waits for that, the first time.
    pub async fn registered(&mut self) -> Result<(), Error> {
        match self.registration.take() {
            Some(reply) => reply.await.map(drop),
            None => Ok(()),
        }
    }

    fn request(&self, kind: Kind) -> Result<Reply, Error> {
        let token = self.place.to_string();
        let parts = [self.path.as_bytes(), b"\0", token.as_bytes(), b"\0"];
        self.store.submit(kind, &parts)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Nobody waits for the answer; on a broken connection there is no watch to end.
        drop(self.request(Kind::Unwatch));
        self.store.client.borrow_mut().forget_watch(self.place);
    }
}
