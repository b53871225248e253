select
  g.id, g.user_id, g.image_id, g.status::text::public.generation_status as status, g.error_message,
  g.prompt, g.negative_prompt, g.model, g.style, g.width, g.height, g.aspect_ratio, g.steps,
  g.guidance_scale, g.prompt_strength, g.seed, g.num_outputs, g.output_format, g.output_quality,
  g.image_url, g.thumbnail_url, g.loras, g.parameters, g.tags, g.credits_cost, g.generation_ms,
  g.is_public, g.is_favorite, g.is_nsfw, g.created_at,
  g.completed_at at time zone 'UTC' as completed_at, g.updated_at
from generated_images g
