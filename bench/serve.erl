%% What bench/network and bench/soak measure: an HTTP server on gen_tcp, and a sink and source of bytes.
-module(serve).
-export([start/0]).

-define(BODY, <<"hello from a small server, sixty-four bytes of text and a line end.\n">>).

%% Port 8080 has HTTP, 9000 streams.
start() ->
    %% A listening socket ends with its owner, and whoever called this ends.
    spawn(fun() ->
        listen(8080, [{packet, http_bin}], fun http/1),
        listen(9000, [{packet, raw}, {exit_on_close, false}, {sndbuf, 262144}, {recbuf, 262144}, {buffer, 65536}], fun stream/1),
        io:format("serve: ready~n"),
        report()
    end).

listen(Port, Options, Serve) ->
    {ok, Listen} = gen_tcp:listen(Port, [binary, {active, false}, {reuseaddr, true}, {backlog, 1024}, {nodelay, true} | Options]),
    [spawn(fun() -> accept(Listen, Serve) end) || _ <- lists:seq(1, 8)],
    ok.

accept(Listen, Serve) ->
    case gen_tcp:accept(Listen) of
        {ok, Socket} ->
            Pid = spawn(fun() -> receive go -> Serve(Socket) end end),
            case gen_tcp:controlling_process(Socket, Pid) of
                ok -> Pid ! go;
                {error, _} -> exit(Pid, kill)
            end;
        {error, _} ->
            timer:sleep(10)
    end,
    accept(Listen, Serve).

http(Socket) ->
    case gen_tcp:recv(Socket, 0, 60000) of
        {ok, {http_request, _Method, _Path, _Version}} -> headers(Socket, true);
        _ -> gen_tcp:close(Socket)
    end.

headers(Socket, Keep) ->
    case gen_tcp:recv(Socket, 0, 60000) of
        {ok, {http_header, _, 'Connection', _, Value}} -> headers(Socket, Keep andalso string:lowercase(Value) =/= <<"close">>);
        {ok, {http_header, _, _, _, _}} -> headers(Socket, Keep);
        {ok, http_eoh} ->
            Length = integer_to_binary(byte_size(?BODY)),
            Answer = [<<"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ">>, Length, <<"\r\n\r\n">>, ?BODY],
            case gen_tcp:send(Socket, Answer) of
                ok when Keep -> http(Socket);
                _ -> gen_tcp:close(Socket)
            end;
        _ -> gen_tcp:close(Socket)
    end.

%% The first byte says what is wanted: `s` sinks bytes and tells how many in the end, `g` sends for ever.
stream(Socket) ->
    case gen_tcp:recv(Socket, 1, 60000) of
        {ok, <<"s">>} -> sink(Socket, 0);
        {ok, <<"g">>} -> source(Socket, binary:copy(<<0:64>>, 8192));
        _ -> gen_tcp:close(Socket)
    end.

sink(Socket, Total) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} -> sink(Socket, Total + byte_size(Data));
        {error, _} -> gen_tcp:send(Socket, <<Total:64>>), gen_tcp:close(Socket)
    end.

source(Socket, Data) ->
    case gen_tcp:send(Socket, Data) of
        ok -> source(Socket, Data);
        {error, _} -> gen_tcp:close(Socket)
    end.

%% The machine's own memory, now and then, for the soak.
report() ->
    receive
    after 5000 ->
        [erlang:garbage_collect(P) || P <- processes()],
        Keys = [total, processes, binary, system, atom, ets],
        Memory = [{Key, (catch erlang:memory(Key))} || Key <- Keys],
        io:format("serve: memory ~w processes ~w ports ~w~n", [Memory, length(processes()), length(erlang:ports())]),
        report()
    end.
