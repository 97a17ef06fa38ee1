%% A server that counts, under a supervisor: a small OTP application, the same on `erl` and on Starling.
%%
%%     mkdir -p counter/ebin && erlc -o counter/ebin *.erl && cp counter.app counter/ebin
%%     starling erl -noshell -pa counter/ebin -s counter demo
%%     starling image -o counter.elf -pa counter/ebin -- -s counter && starling boot counter.elf
%%
%% The number lives in a table that the supervisor owns, so that a crash of the server does not lose it.
-module(counter).
-behaviour(gen_server).

-export([start/0, demo/0]).
-export([next/0, value/0, crash/0]).
-export([start_link/1, init/1, handle_call/3, handle_cast/2]).

%% For `-s counter`: starts the application and all that it needs.
start() ->
    {ok, _} = application:ensure_all_started(counter).

next() -> gen_server:call(?MODULE, next).
value() -> gen_server:call(?MODULE, value).
crash() -> exit(whereis(?MODULE), kill).

%% For `-s counter demo`: counts, lets the server crash, counts on, and ends the machine.
demo() ->
    {ok, _} = application:ensure_all_started(counter),
    io:format("OTP ~s on ~p~n", [erlang:system_info(otp_release), os:type()]),
    io:format("counting: ~p~n", [[next() || _ <- [1, 2, 3]]]),
    Server = whereis(?MODULE),
    crash(),
    wait_for_another(Server),
    io:format("a new server counts on: ~p~n", [next()]),
    init:stop().

wait_for_another(Server) ->
    case whereis(?MODULE) of
        Pid when is_pid(Pid), Pid =/= Server -> ok;
        _ -> timer:sleep(1), wait_for_another(Server)
    end.

%% gen_server

start_link(Table) -> gen_server:start_link({local, ?MODULE}, ?MODULE, Table, []).

init(Table) -> {ok, Table}.

handle_call(next, _From, Table) -> {reply, ets:update_counter(Table, count, 1, {count, 0}), Table};
handle_call(value, _From, Table) -> {reply, ets:update_counter(Table, count, 0, {count, 0}), Table}.

handle_cast(_, Table) -> {noreply, Table}.
