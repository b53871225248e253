-- What V1 had beside the functions that V2 replaces: they name columns that V2 has not, some would be
-- called in place of V2's own, and all run as their owner with whatever search_path the caller has.
-- The rollback makes them anew.
drop function if exists add_credits(uuid, integer, text);
drop function if exists handle_ad_view(uuid, text, integer);
drop function if exists process_ad_view(uuid, text, integer);
drop function if exists reward_ad_view(uuid, text, text, integer);
drop function if exists handle_new_user_signup();
drop function if exists create_profile(uuid, text);
