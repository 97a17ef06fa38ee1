%% Starts the listener and says where it is.
-module(web_app).
-behaviour(application).

-export([start/2, stop/1]).

start(_Type, _Arguments) ->
    {ok, Port} = application:get_env(web, port),
    Routes = [{Path, web_handler, Name} || {Path, Name} <- web_handler:routes()],
    Dispatch = cowboy_router:compile([{'_', Routes}]),
    Options = #{env => #{dispatch => Dispatch}, max_keepalive => infinity},
    {ok, _} = cowboy:start_clear(web, [{port, Port}], Options),
    io:format("web: listening on port ~b~n", [ranch:get_port(web)]),
    web_sup:start_link().

stop(_State) ->
    cowboy:stop_listener(web).
