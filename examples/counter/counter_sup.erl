%% The supervisor: it owns the table and starts the server, again and again if it must.
-module(counter_sup).
-behaviour(supervisor).

-export([start_link/0, init/1]).

start_link() -> supervisor:start_link({local, ?MODULE}, ?MODULE, []).

init([]) ->
    Table = ets:new(counter, [public]),
    {ok, {#{strategy => one_for_one, intensity => 5, period => 10},
          [#{id => counter, start => {counter, start_link, [Table]}}]}}.
