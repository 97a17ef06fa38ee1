%% Ports on files, which are opened by a name alone.
-module(port_files).
-export([main/0]).
-include("show.hrl").

main() ->
    process_flag(trap_exit, true),
    Name = "/tmp/starling_port_files_" ++ integer_to_list(erlang:system_time()),
    ?TRY(open_port("/nowhere/at/all", [in])),
    ?TRY(open_port('/nowhere/at/all', [out])),
    ?TRY(open_port(<<"/nowhere/at/all">>, [in])),
    ?TRY(open_port("", [in])),
    ?TRY(open_port("/nowhere/at/all", [in, exit_status])),
    ?TRY(open_port("/nowhere/at/all", [in, {args, []}])),
    Out = open_port(Name, [out]),
    ?SHOW([element(2, erlang:port_info(Out, name)) =:= Name, erlang:port_info(Out, os_pid)]),
    Out ! {self(), {command, "first\nsec"}},
    ?SHOW(port_command(Out, ["ond", <<"\n">>])),
    ?SHOW(port_close(Out)),
    ?SHOW(messages(Out)),
    ?SHOW(messages(open_port(Name, [in, eof]))),
    ?SHOW(messages(open_port(Name, [in, binary]))),
    ?SHOW(messages(open_port(list_to_atom(Name), [in, {line, 4}]))),
    Both = open_port(Name, [binary]),
    true = port_command(Both, "FIRST"),
    %% Which of reading and writing comes first is not said.
    ?SHOW(length(messages(Both))),
    Packets = open_port(Name, [out, {packet, 1}]),
    [port_command(Packets, P) || P <- ["one", "", "three"]],
    port_close(Packets),
    ?SHOW(messages(Packets)),
    ?SHOW(messages(open_port(Name, [in, binary]))),
    ?SHOW(messages(open_port(Name, [in, {packet, 1}]))),
    Reader = open_port("/tmp", [in]),
    ?SHOW(messages(Reader)),
    ?SHOW(port_close(Reader)).

%% What a port has to say: until it ends, or for a moment.
messages(Port) ->
    receive
        {Port, Message} -> [Message | messages(Port)];
        {'EXIT', Port, Reason} -> [{'EXIT', Reason}]
    after 200 -> []
    end.
