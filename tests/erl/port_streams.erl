%% Ports on the standard streams, and what halt waits for. All output goes through ports here: OTP's erlang:display has a
%% buffer of its own, so its lines come at another place.
-module(port_streams).
-export([main/0]).

main() ->
    process_flag(trap_exit, true),
    Out = open_port({fd, 0, 1}, [out, binary]),
    Out ! {self(), {command, "first\n"}},
    true = port_command(Out, <<"second\n">>),
    true = port_command(Out, ["third ", <<"in ">>, [$p, "ieces\n"]]),
    %% It writes nothing: which of two ports' lines comes first is not said, and differs on OTP.
    Both = open_port({fd, 0, 1}, [eof, binary]),
    %% The input of a test is empty.
    true = port_command(Out, receive {Both, eof} -> "eof\n" after 5000 -> "timeout\n" end),
    true = port_close(Both),
    true = port_command(Out, receive {'EXIT', Both, normal} -> "closed\n" end),
    {output, Bytes} = erlang:port_info(Out, output),
    true = port_command(Out, [integer_to_list(Bytes), $\n]),
    %% More than the other end takes at once.
    Line = [[$x || _ <- "0123456789"], $\n],
    [true = port_command(Out, [Line || _ <- "0123456789"]) || _ <- binary_to_list(<<0:8000>>)],
    true = port_command(Out, "the end\n", []),
    halt(3).
