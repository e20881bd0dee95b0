"""The methods of an event loop that reach the world outside, by what they do: they are refused."""

OUTSIDE = {
    "opens a connection": "create_connection create_unix_connection",
    "opens a socket": "create_datagram_endpoint",
    "opens a server's socket": "create_server create_unix_server",
    "uses a socket": "connect_accepted_socket sock_connect sock_accept sock_recv sock_recv_into"
    " sock_recvfrom sock_recvfrom_into sock_sendall sock_sendto sock_sendfile sendfile start_tls",
    "asks for a network address": "getaddrinfo getnameinfo",
    "opens a pipe": "connect_read_pipe connect_write_pipe",
    "waits for a file descriptor": "add_reader remove_reader add_writer remove_writer",
    "starts another process": "subprocess_exec subprocess_shell",
    "handles a signal": "add_signal_handler remove_signal_handler",
}
