%% The first process ends abnormally, and the machine with it: OTP's wording, exit code 1.
-module(first_error).
-export([main/0]).

main() ->
    erlang:display(before_the_error),
    stop_if(erlang:monotonic_time()).

stop_if(Time) when is_integer(Time) -> exit({failed, [on, purpose]});
stop_if(_) -> ok.
