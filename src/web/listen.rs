//! The listening socket: an address, or a unix socket that its owner and group may use.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::{Listen, Pages, router};

/// A socket that is listened on; a unix one is gone when it is dropped.
#[derive(Debug)]
pub struct Server {
    socket: Socket,
    _file: Option<SocketFile>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Server {
    /// Takes the place; what a dead process left there is replaced.
    pub async fn bind(listen: &Listen) -> io::Result<Self> {
        match listen {
            Listen::Tcp(address) => Ok(Self { socket: Socket::Tcp(TcpListener::bind(address).await?), _file: None }),
            Listen::Unix(path) => {
                make_room(path).await?;
                let socket = Socket::Unix(UnixListener::bind(path)?);
                let file = SocketFile(path.clone());
                std::fs::set_permissions(path, Permissions::from_mode(0o660))?;
                Ok(Self { socket, _file: Some(file) })
            }
        }
    }

    /// Answers until it is dropped.
    pub async fn serve(self, pages: Arc<dyn Pages>) {
        let served = match self.socket {
            Socket::Tcp(listener) => axum::serve(listener, router(pages)).await,
            Socket::Unix(listener) => axum::serve(listener, router(pages)).await,
        };
        if let Err(error) = served {
            tracing::error!(%error, "metrics and health are told no more");
        }
    }
}

/// Removes a socket that nobody listens on.
async fn make_room(path: &Path) -> io::Result<()> {
    let is_socket = match std::fs::symlink_metadata(path) {
        Ok(there) => there.file_type().is_socket(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !is_socket {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of that name"));
    }
    match UnixStream::connect(path).await {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "somebody listens there already")),
        Err(_) => std::fs::remove_file(path),
    }
}

#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_unix_socket_is_for_owner_and_group_and_replaces_a_dead_one_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.sock");
        let listen = Listen::Unix(path.clone());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let server = Server::bind(&listen).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        assert_eq!(Server::bind(&listen).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(server);
        assert!(!path.exists());
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(Server::bind(&listen).await.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }
}
