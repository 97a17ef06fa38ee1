%% Evaluates what comes over TCP: a line with an expression, answered by a line with its value. Variables live as long as the connection.
%%
%% `-port N` is where it listens (9900 if nothing is said, 0 for any that is free, which it prints). What tests/xen_network.rs says to it, it says to
%% an `erl` on the host, too, and compares the answers.
-module(evaluator).
-export([start/0]).

start() ->
    Port = case init:get_argument(port) of
        {ok, [[Text] | _]} -> list_to_integer(Text);
        error -> 9900
    end,
    %% The listening socket ends with its owner, and who called this ends.
    spawn(fun() ->
        {ok, Listen} = gen_tcp:listen(Port, [binary, {packet, line}, {active, false}, {reuseaddr, true}, {buffer, 65536}]),
        {ok, Actual} = inet:port(Listen),
        io:format("evaluator: port ~w~n", [Actual]),
        accept(Listen)
    end).

accept(Listen) ->
    {ok, Socket} = gen_tcp:accept(Listen),
    Pid = spawn(fun() -> receive go -> lines(Socket, erl_eval:new_bindings()) end end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listen).

lines(Socket, Bindings) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Line} ->
            {Value, After} = evaluate(binary_to_list(Line), Bindings),
            ok = gen_tcp:send(Socket, [io_lib:format("~0tp", [Value]), $\n]),
            lines(Socket, After);
        {error, _} ->
            gen_tcp:close(Socket)
    end.

evaluate(Line, Bindings) ->
    try
        {ok, Tokens, _} = erl_scan:string(Line),
        {ok, Expressions} = erl_parse:parse_exprs(Tokens),
        {value, Value, After} = erl_eval:exprs(Expressions, Bindings),
        {Value, After}
    catch
        Class:Reason -> {{Class, Reason}, Bindings}
    end.
