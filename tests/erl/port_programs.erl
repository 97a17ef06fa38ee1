%% Ports on programs: data in and out, lines, packets, exit status, environment, directory, arguments.
-module(port_programs).
-export([main/0]).
-include("show.hrl").

main() ->
    process_flag(trap_exit, true),
    ?SHOW(run("echo hello", [])),
    ?SHOW(run("echo hello", [binary, exit_status])),
    ?SHOW(run("echo hello", [binary, eof])),
    ?SHOW(run("echo hello", [eof, exit_status])),
    ?SHOW(run("false", [exit_status])),
    ?SHOW(run("sh -c 'exit 3'", [exit_status])),
    ?SHOW(run("sh -c 'kill -9 $$'", [exit_status])),
    ?SHOW(run("nosuchcommand 2>/dev/null", [exit_status])),
    ?SHOW(run("sh -c 'echo out; echo err >&2'", [stderr_to_stdout, exit_status, {line, 100}])),
    ?SHOW(run("printf 'abc\\ndefghijk\\nx'", [{line, 4}, exit_status])),
    ?SHOW(run("printf 'abc\\ndefghijk\\nx'", [{line, 4}, eof])),
    ?SHOW(run("printf 'abcd\\nefghi\\n\\n'", [{line, 4}, binary])),
    ?SHOW(run("printf 'abcd\\r\\nefghi\\r\\n\\r\\nj\\rk\\r'", [{line, 4}, binary, eof])),
    ?SHOW(run("printf 'abcd\\r'", [{line, 4}, eof])),
    ?SHOW(run("printf '%600s\\n'", [line, binary])),
    ?SHOW(run("sh -c 'cat /dev/stdin; echo read'", [in])),
    ?SHOW(run("printf '\\003abc\\000\\002de\\005f'", [{packet, 1}])),
    ?SHOW(run("printf '\\000\\003abc\\000\\000\\000\\002de\\000'", [{packet, 2}, binary])),
    ?SHOW(run("printf '\\000\\000\\000\\003abc'", [{packet, 4}, exit_status])),
    ?SHOW(run("sh -c 'echo $FOO $BAR ${HOME:-none}'",
              [{env, [{"FOO", "bar"}, {"BAR", <<"b z">>}, {"HOME", false}]}])),
    ?SHOW(run("pwd", [{cd, "/usr"}])),
    ?SHOW(run("pwd", [{cd, <<"/usr/lib">>}])),
    ?SHOW(run("pwd", [{cd, ["/us", ["r"]]}])),
    ?SHOW(run(["p", ["wd"]], [{cd, ["/", "usr"]}, {env, [{["F", "OO"], ["b", ["ar"]]}]}])),
    ?SHOW(run({spawn_executable, ["/bin/", "echo"]}, [{args, ["a", ["b", [$c, ["d"]]]]}])),
    ?SHOW(run("sh -c 'echo hi >&4'", [nouse_stdio])),
    ?SHOW(run({spawn_executable, "/bin/sh"}, [{args, ["-c", "echo $0 $1", "a", <<"b c">>]}])),
    ?SHOW(run({spawn_executable, <<"/bin/sh">>},
              [{arg0, "zz"}, {args, ["-c", "tr '\\0' ' ' < /proc/$$/cmdline"]}])),
    ?SHOW(run({spawn_executable, "/bin/pwd"}, [{cd, "/"}, {args, []}])),
    ?SHOW(run({spawn_executable, 'true'}, [])),
    cat([], "hello"),
    cat([binary], [<<"he">>, [$l, "lo"]]),
    cat([{packet, 1}], "hello"),
    cat([{packet, 2}, binary], "hello"),
    cat([{packet, 4}], "hello"),
    cat([{line, 3}], "hello\nworld\n"),
    sizes([{packet, 1}], [0, 1, 255]),
    sizes([{packet, 2}, binary], [0, 255, 256, 65535]),
    sizes([{packet, 4}, binary], [0, 65536, 300000]),
    ?SHOW(large()).

run(Name, Options) ->
    case catch open_port(name(Name), Options) of
        Port when is_port(Port) -> collect(Port, Options);
        {'EXIT', {Reason, _}} -> {error, Reason}
    end.

name(Name) when is_tuple(Name) -> Name;
name(Name) -> {spawn, Name}.

%% All messages of a port; pieces of plain data are joined.
collect(Port, Options) ->
    Messages = messages(Port, []),
    case lists:any(fun(O) -> O =:= line orelse is_tuple(O)
                                 andalso (element(1, O) =:= packet orelse element(1, O) =:= line)
                   end, Options) of
        true -> Messages;
        false -> join(Messages)
    end.

messages(Port, Seen) ->
    receive
        {'EXIT', Port, Reason} -> lists:reverse([{exit, Reason} | Seen]);
        {Port, eof} ->
            port_close(Port),
            messages(Port, [eof | Seen]);
        {Port, Message} -> messages(Port, [Message | Seen])
    after 5000 -> lists:reverse([timeout | Seen])
    end.

join([{data, A}, {data, B} | Rest]) when is_list(A) -> join([{data, A ++ B} | Rest]);
join([{data, A}, {data, B} | Rest]) -> join([{data, <<A/binary, B/binary>>} | Rest]);
join([Other | Rest]) -> [Other | join(Rest)];
join([]) -> [].

cat(Options, Data) ->
    Port = open_port({spawn, "cat"}, Options),
    true = port_command(Port, Data),
    ?SHOW({Options, take(Port, iolist_size(Data), Options)}),
    ?SHOW(port_close(Port)),
    receive {'EXIT', Port, Reason} -> ?SHOW(Reason) end.

take(_, Left, _) when Left =< 0 -> [];
take(Port, Left, Options) ->
    receive
        {Port, {data, {End, Line}}} ->
            Size = iolist_size(Line) + case End of eol -> 1; noeol -> 0 end,
            [{End, Line} | take(Port, Left - Size, Options)];
        {Port, {data, Data}} -> [Data | take(Port, Left - iolist_size(Data), Options)]
    after 5000 -> [timeout]
    end.

sizes(Options, Sizes) ->
    Port = open_port({spawn, "cat"}, Options),
    [true = port_command(Port, binary:copy(<<"x">>, Size)) || Size <- Sizes],
    Got = [receive {Port, {data, Data}} -> iolist_size(Data) after 5000 -> timeout end || _ <- Sizes],
    ?SHOW({Options, Got}),
    port_close(Port),
    receive {'EXIT', Port, normal} -> ok end.

%% More than a pipe holds, both ways at once.
large() ->
    Port = open_port({spawn, "cat"}, [binary]),
    Bytes = binary:copy(<<"0123456789abcdef">>, 65536),
    spawn(fun() -> [true = port_command(Port, Bytes) || _ <- lists:seq(1, 4)] end),
    Sum = checksum(Port, 4 * byte_size(Bytes), erlang:crc32(<<>>)),
    port_close(Port),
    receive {'EXIT', Port, normal} -> ok end,
    Sum.

checksum(_, 0, Sum) -> Sum;
checksum(Port, Left, Sum) ->
    receive
        {Port, {data, Data}} ->
            checksum(Port, Left - byte_size(Data), erlang:crc32(Sum, Data))
    after 5000 -> {timeout, Left}
    end.
