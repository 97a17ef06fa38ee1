%% Calls and casts of a gen_server.
-module(b_gen_server).
-behaviour(gen_server).
-export([run/0, init/1, handle_call/3, handle_cast/2]).

run() ->
    {ok, Server} = gen_server:start_link(?MODULE, 0, []),
    Sum = calls(Server, 500000, 0),
    casts(Server, 500000),
    Count = gen_server:call(Server, count),
    ok = gen_server:stop(Server),
    {Sum, Count}.

calls(_, 0, Sum) -> Sum;
calls(Server, N, Sum) -> calls(Server, N - 1, Sum + gen_server:call(Server, {add, N})).

casts(_, 0) -> ok;
casts(Server, N) -> gen_server:cast(Server, {add, N}), casts(Server, N - 1).

init(Count) -> {ok, Count}.

handle_call({add, N}, _From, Count) -> {reply, N band 7, Count + 1};
handle_call(count, _From, Count) -> {reply, Count, Count}.

handle_cast({add, _}, Count) -> {noreply, Count + 1}.
